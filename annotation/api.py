"""The queue over REST: the labelling page and programs come through the same doors.

The caller is a labeler by their account. A slot is found by its id among those that the caller has
held; anybody else's does not exist.
"""

from dataclasses import asdict
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import ParseError, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from annotation import candidates, drafts, ending, leases
from annotation.api_fields import ChooseFields, NextFields, SaveFields, SubmitFields
from annotation.api_rights import check_scope, check_token
from annotation.drafts import Draft
from annotation.finished import Unfinished
from annotation.handing_in import hand_in
from annotation.models import Annotation, Lease, Project
from annotation.models.work import NotOpen
from annotation.programs import claim_work
from annotation.reviewing import claim_review
from annotation.showing import assignment_json, candidates_json, waiting_json
from labelers.registration import labeler_of
from web.api_pages import check_parameters
from web.errors import error_body
from web.models import Scope, User
from web.tokens import TokenAuthentication

KEY = "Idempotency-Key"
_USER, _SLUG = -1, "-"
_LAST_LEASE = """
SELECT lease.*, slot.for_reviewers
FROM annotation_lease AS lease JOIN annotation_assignment AS slot ON slot.id = lease.assignment_id
WHERE lease.assignment_id = %s AND lease.labeler_id = %s AND lease.project_id = %s
ORDER BY lease.id DESC LIMIT 1
"""


@cache
def _labelled(is_superuser: bool) -> tuple[str, tuple[Any, ...]]:
    """Return the statement that finds a project where a user may label.

    Every request needs it: Django puts it together only once, for stand-ins of user and slug.
    """
    anyone = User(pk=_USER, is_superuser=is_superuser)
    found = Project.objects.labelled_by(anyone).filter(slug=_SLUG).order_by()
    return found.query.sql_with_params()


class LabelerTokenAuthentication(TokenAuthentication):
    """Reads the labeler that the token's owner is along with them."""

    owner = ("user__labeler",)


class QueueView(APIView):
    """What the doors of the queue share: who asks, and for which project or slot."""

    authentication_classes = (LabelerTokenAuthentication, SessionAuthentication)
    throttle_scope = "queue"

    def project(self, slug: str, *scopes: Scope) -> Project:
        """Return a project that the caller may label in: 404 when unseen, 403 when only read.

        A token needs one of `scopes`, else that to label.
        """
        statement, stand_ins = _labelled(self.user.is_superuser)
        values = {_USER: self.user.pk, _SLUG: slug}
        found = Project.objects.raw(statement, [values.get(one, one) for one in stand_ins])
        project = next(iter(found), None)
        if project is None:
            get_object_or_404(Project.objects.visible_to(self.user), slug=slug)
            raise PermissionDenied
        check_token(self.request, project, *(scopes or (Scope.LABEL,)))
        return project

    def lease(self, slug: str, assignment_id: int) -> Lease:
        """Return the caller's latest lease on a slot; 403 for a review by who reviews no more."""
        project = self.project(slug, Scope.LABEL, Scope.REVIEW)
        labeler = labeler_of(self.user)
        for found in Lease.objects.raw(_LAST_LEASE, [assignment_id, labeler.pk, project.pk]):
            found.project, found.labeler = project, labeler
            if getattr(found, "for_reviewers", False):
                self.check_reviewer(project)
            else:
                check_scope(self.request.auth, Scope.LABEL)
            return found
        raise Http404

    def check_reviewer(self, project: Project) -> None:
        check_scope(self.request.auth, Scope.REVIEW)
        if not Project.objects.reviewed_by(self.user).contains(project):
            raise PermissionDenied

    def building(self, slug: str, assignment_id: int) -> Lease:
        """Return the caller's lease on a solution that is built step by step."""
        lease = self.lease(slug, assignment_id)
        if lease.project.mode != Project.Mode.EXPLORE:
            raise Http404
        return lease

    @property
    def user(self) -> Any:
        return self.request.user

    def sent(self, fields: type[BaseSerializer[Any]]) -> dict[str, Any]:
        serializer = fields(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        checked: dict[str, Any] = serializer.validated_data
        return checked

    def key(self) -> UUID:
        """Return the request's Idempotency-Key; without one, one of its own."""
        sent = self.request.headers.get(KEY)
        try:
            return uuid4() if sent is None else UUID(sent)
        except ValueError:
            raise ParseError(_("Idempotency-Key must be a UUID.")) from None

    def conflict(self, code: str, detail: str, **more: Any) -> Response:
        body = error_body(self.request, detail=detail, code=code)
        return Response({**body, **more}, status=status.HTTP_409_CONFLICT)

    def opened(self, annotation: Annotation) -> Response:
        """Answer with the lease to correct `annotation` on."""
        try:
            return Response({"assignment": assignment_json(leases.correct(annotation))})
        except NotOpen:
            return self.conflict("closed", _("This work can no longer be corrected."))

    def stale(self, error: drafts.Stale) -> Response:
        detail = _("This work was changed elsewhere, in another tab perhaps.")
        newer = error.lease
        return self.conflict("stale", detail, version=newer.draft_version, draft=newer.draft)

    def unfinished(self, error: Unfinished) -> Response:
        one = {"field": error.field, "code": "unfinished", "detail": str(error)}
        body = error_body(self.request, detail=str(error), code="unfinished", errors=[one])
        return Response(body, status=status.HTTP_400_BAD_REQUEST)


class NextView(QueueView):
    def post(self, request: Request, slug: str) -> Response:
        """Give the caller the best open slot, or say what they wait for."""
        project = self.project(slug)
        labeler = labeler_of(self.user)
        lease = claim_work(labeler=labeler, project=project, **self.sent(NextFields))
        if lease is None:
            return Response({"assignment": None, "waiting": waiting_json(labeler, project)})
        return Response({"assignment": assignment_json(lease), "waiting": None})


class ReviewView(QueueView):
    def post(self, request: Request, slug: str) -> Response:
        """Give the caller, a reviewer, what people left open, or say what they wait for."""
        project = self.project(slug, Scope.REVIEW)
        self.check_reviewer(project)
        labeler, ahead = labeler_of(self.user), self.sent(NextFields)["ahead"]
        lease = claim_review(labeler=labeler, project=project, ahead=ahead)
        if lease is None:
            waiting = waiting_json(labeler, project, for_review=True)
            return Response({"assignment": None, "waiting": waiting})
        return Response({"assignment": assignment_json(lease), "waiting": None})


class DraftView(QueueView):
    def put(self, request: Request, slug: str, assignment_id: int) -> Response:
        """Keep the caller's unfinished work as the next version."""
        lease = self.lease(slug, assignment_id)
        sent = self.sent(SaveFields)
        if lease.outcome == Lease.Outcome.SUBMITTED:
            return self.conflict("submitted", _("This work was handed in already."))
        lease = leases.for_draft(lease)
        try:
            kept = drafts.save(lease, sent["draft"], based_on=sent["version"], key=self.key())
        except drafts.Stale as error:
            return self.stale(error)
        return Response(
            {"version": kept.draft_version, "until": kept.until, "surplus": kept.is_surplus}
        )


class SubmitView(QueueView):
    def post(self, request: Request, slug: str, assignment_id: int) -> Response:
        """Hand in the caller's work on a slot; the same again changes nothing."""
        self.key()
        lease = self.lease(slug, assignment_id)
        # Without a version the submission before could come again and pass for its correction.
        sent = self.sent(SubmitFields if lease.corrects_id is None else SaveFields)
        try:
            made = hand_in(lease, sent["draft"], based_on=sent.get("version"))
        except drafts.Stale as error:
            return self.stale(error)
        except Unfinished as error:
            return self.unfinished(error)
        except NotOpen:
            return self.conflict("corrected", _("This work was corrected elsewhere since."))
        annotation = made.annotation
        return Response(
            {
                "annotation": annotation.pk,
                "finish_reason": annotation.finish_reason,
                "surplus": annotation.is_surplus,
                "is_new": made.is_new,
            }
        )


class SkipView(QueueView):
    def post(self, request: Request, slug: str, assignment_id: int) -> Response:
        """Give a slot back and not see its solution for a while."""
        ending.skip(self.lease(slug, assignment_id))
        return Response({})


class ReleaseView(QueueView):
    def post(self, request: Request, slug: str, assignment_id: int) -> Response:
        """Give a slot back."""
        ending.release(self.lease(slug, assignment_id))
        return Response({})


class ExtendView(QueueView):
    def post(self, request: Request, slug: str, assignment_id: int) -> Response:
        """Hold on to a slot for the project's lease time from now."""
        lease = self.lease(slug, assignment_id)
        if not leases.extend(lease):
            return self.conflict("ended", _("You no longer hold this solution."))
        return Response({"until": lease.until})


class UndoView(QueueView):
    def post(self, request: Request, slug: str) -> Response:
        """Open the caller's last submission again, if it is at most ten minutes old."""
        project = self.project(slug, Scope.LABEL, Scope.REVIEW)
        annotation = leases.last_submission(labeler_of(self.user), project)
        if annotation is None:
            detail = _("Nothing of yours here was submitted in the last ten minutes.")
            return self.conflict("nothing_to_undo", detail)
        return self.opened(annotation)


class CorrectView(QueueView):
    def post(self, request: Request, slug: str, assignment_id: int) -> Response:
        """Open the caller's own work on a slot again, to correct it."""
        lease = self.lease(slug, assignment_id)
        annotation = (
            Annotation.objects.in_force()
            .filter(labeler=lease.labeler, solution=lease.solution_id)
            .exclude(lease=None)
            .order_by("-pk")
            .first()
        )
        if annotation is None:
            raise Http404
        return self.opened(annotation)


class CandidatesView(QueueView):
    def get(self, request: Request, slug: str, assignment_id: int) -> Response:
        """Show the candidates of the position where the caller's draft stands (explore mode)."""
        check_parameters(request, ())
        return self.shown(self.building(slug, assignment_id))

    def post(self, request: Request, slug: str, assignment_id: int) -> Response:
        """Look for more candidates, after a failure or where there are few."""
        lease = self.building(slug, assignment_id)
        try:
            candidates.ask_again(lease, len(Draft.from_json(lease.draft).choices))
        except Unfinished as error:
            return self.unfinished(error)
        return self.shown(lease)

    def shown(self, lease: Lease) -> Response:
        try:
            return Response(candidates_json(lease))
        except Unfinished as error:
            return self.unfinished(error)


class ChooseView(QueueView):
    def post(self, request: Request, slug: str, assignment_id: int) -> Response:
        """Finish a position: go on with a Great step, or with one that the caller wrote."""
        lease = self.building(slug, assignment_id)
        sent = self.sent(ChooseFields)
        if lease.outcome == Lease.Outcome.SUBMITTED:
            return self.conflict("submitted", _("This work was handed in already."))
        lease = leases.for_draft(lease)
        try:
            saved = candidates.go_on(
                lease, sent["draft"], sent["choice"], based_on=sent["version"], key=self.key()
            )
        except drafts.Stale as error:
            return self.stale(error)
        except Unfinished as error:
            return self.unfinished(error)
        draft = Draft.from_json(saved.draft)
        found = candidates.candidates_at(saved, draft)
        return Response(
            {
                "version": saved.draft_version,
                "choice": asdict(draft.choices[-1]),
                "is_finished": found.final_answer is not None,
                "surplus": saved.is_surplus,
            }
        )
