"""A project's runs over REST, for those who manage it."""

from abc import abstractmethod
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework import serializers, status
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import run_control, run_kinds
from annotation.api_answers import RunShape
from annotation.api_filters import RunFilters
from annotation.api_rights import check_token
from annotation.models import Project, Run
from annotation.run_forms import LARGEST
from annotation.run_pace import NotNow
from annotation.run_progress import progress
from labelers.models import Labeler
from web.api_bodies import Body
from web.api_filters import ListedFilterBackend
from web.api_pages import NewestFirst, check_parameters
from web.errors import error_body
from web.etags import Tagged
from web.idempotency import OnceView
from web.models import Scope
from web.tokens import TokenAuthentication


class BudgetFields(Body[dict[str, Any]]):
    budget = serializers.DecimalField(
        max_digits=16,
        decimal_places=2,
        min_value=Decimal("0.01"),
        max_value=LARGEST,
        allow_null=True,
        default=None,
    )


class StartFields(BudgetFields):
    labeler = serializers.UUIDField()


def run_json(run: Run) -> dict[str, Any]:
    """Return a run as clients read it; money as decimal strings, times in ISO 8601."""
    far = progress(run)
    return {
        "id": run.pk,
        "url": reverse("api_run", args=[run.project.slug, run.pk]),
        "kind": run.kind,
        "subject": run.subject,
        "state": run.state,
        "error": run.error,
        "total": run.total,
        "done": run.done,
        "failed": run.failed,
        "left": run.left,
        "per_minute": far.per_minute,
        "seconds_left": None if far.time_left is None else round(far.time_left.total_seconds()),
        "calls": run.calls,
        "estimated_calls": run.estimated_calls,
        "prompt_tokens": run.prompt_tokens,
        "completion_tokens": run.completion_tokens,
        "work_ms": run.work_ms,
        "money": str(run.money) if run.currency else None,
        "currency": run.currency or None,
        "budget": None if run.budget is None else str(run.budget),
        "errors": run.errors,
        "waiting": far.waiting,
        "not_before": run.not_before,
        "at_once": run.at_once,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }


class ManagedView(Tagged, OnceView):
    authentication_classes = (TokenAuthentication, SessionAuthentication)

    @property
    def user(self) -> Any:
        return self.request.user

    def project(self, slug: str) -> Project:
        """Return a project that the caller manages: 404 when unseen, 403 when only seen."""
        project = get_object_or_404(Project.objects.visible_to(self.user), slug=slug)
        if not Project.objects.managed_by(self.user).contains(project):
            raise PermissionDenied
        reads = self.request.method in {"GET", "HEAD"}
        check_token(self.request, project, Scope.MANAGE, *([Scope.READ] if reads else []))
        return project

    def check_may_post(self) -> None:
        self.project(self.kwargs["slug"])

    def run_of(self, slug: str, run_id: int) -> Run:
        runs = Run.objects.select_related("project").filter(project=self.project(slug))
        return get_object_or_404(runs, pk=run_id)

    def sent(self, fields: type[serializers.BaseSerializer[Any]]) -> dict[str, Any]:
        serializer = fields(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        checked: dict[str, Any] = serializer.validated_data
        return checked

    def refused(self, error: NotNow) -> Response:
        """Say why a run is not in a state for what was asked."""
        body = error_body(self.request, detail=str(error), code="not_now")
        return Response(body, status=status.HTTP_409_CONFLICT)


class RunsView(ManagedView, ListAPIView[Run]):
    queryset = Run.objects.none()
    serializer_class = RunShape
    pagination_class = NewestFirst
    filterset_class = RunFilters
    filter_backends = (ListedFilterBackend,)

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the runs, the newest first."""
        runs = Run.objects.filter(project=self.project(kwargs["slug"])).select_related("project")
        check_parameters(request, {*RunFilters.base_filters, *NewestFirst.parameters})
        found = ListedFilterBackend().filter_queryset(request, runs, self)
        paginator = NewestFirst()
        rows = paginator.paginate_queryset(found, request, self)
        return paginator.get_paginated_response([run_json(run) for run in rows])

    def post(self, request: Request, slug: str) -> Response:
        """Have a model labeler mark every solution that it has not marked yet."""
        project, sent = self.project(slug), self.sent(StartFields)
        labeler = Labeler.objects.judges().current().filter(uuid=sent["labeler"]).first()
        if labeler is None:
            raise ValidationError({"labeler": [_("No current model labeler has this UUID.")]})
        if not run_control.may_be_paid_by(self.user, labeler):
            raise PermissionDenied
        try:
            run = run_control.start(
                project=project, labeler=labeler, user=self.user, budget=sent["budget"]
            )
        except NotNow as error:
            return self.refused(error)
        transaction.on_commit(run_kinds.ring)
        answer = run_json(run)
        return Response(
            answer, status=status.HTTP_202_ACCEPTED, headers={"Location": answer["url"]}
        )


class RunView(ManagedView):
    def get(self, request: Request, slug: str, run_id: int) -> Response:
        """Say how far a run is."""
        check_parameters(request, ())
        return Response(run_json(self.run_of(slug, run_id)))


class ActView(ManagedView):
    """A door that steers a run. `goes_on`: whether the run does more by it."""

    goes_on = False

    def post(self, request: Request, slug: str, run_id: int) -> Response:
        run = self.run_of(slug, run_id)
        if self.goes_on:
            run_control.check_may_go_on(self.user, run)
        try:
            self.do(run)
        except NotNow as error:
            return self.refused(error)
        if self.goes_on:
            transaction.on_commit(run_kinds.ring)
        run.refresh_from_db()
        return Response(run_json(run))

    @abstractmethod
    def do(self, run: Run) -> None:
        """Do it; NotNow says why it cannot be."""


class PauseView(ActView):
    def do(self, run: Run) -> None:
        run_control.pause(run)


class CancelView(ActView):
    def do(self, run: Run) -> None:
        run_control.cancel(run)


class ResumeView(ActView):
    goes_on = True

    def do(self, run: Run) -> None:
        run_control.resume(run, **self.sent(BudgetFields))


class RetryView(ActView):
    goes_on = True

    def do(self, run: Run) -> None:
        run_control.retry_failed(run)
