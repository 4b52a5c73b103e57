"""Datasets over REST: what there is, new versions, more formats, and the files."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django.db import IntegrityError, transaction
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import APIException, PermissionDenied, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import run_kinds
from annotation.api_answers import RunShape
from annotation.api_rights import check_token, opened_by
from annotation.api_runs import run_json
from annotation.models import Project, Run
from annotation.rights import ProjectWithRights, with_rights
from datasets_app import api_shapes as shapes
from datasets_app import downloads, snapshots
from datasets_app.exporters.base import OptionRefused
from datasets_app.models import Dataset, Snapshot
from datasets_app.rules import BadRules, Rules
from web.api_pages import KeysetPagination, NewestFirst, check_parameters
from web.etags import Tagged
from web.idempotency import OnceView
from web.models import Scope
from web.tokens import TokenAuthentication


class NotFrozen(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "not_now"


class DatasetsDoor(Tagged, OnceView):
    """A door to a project's datasets: to read for who reads its marks, else for its managers."""

    authentication_classes = (TokenAuthentication, SessionAuthentication)

    @property
    def user(self) -> Any:
        return self.request.user

    @cached_property
    def project(self) -> ProjectWithRights:
        """The project: 404 where it is not seen, 403 where the caller may too little in it."""
        found: Any = get_object_or_404(with_rights(self.user), slug=self.kwargs["slug"])
        reads = self.request.method in SAFE_METHODS
        if not (found.reads_marks if reads else found.may_manage):
            raise PermissionDenied
        check_token(self.request, found, Scope.READ if reads else Scope.MANAGE)
        project: ProjectWithRights = found
        return project

    def check_may_post(self) -> None:
        _asked = self.project

    @cached_property
    def dataset(self) -> Dataset:
        visible = Dataset.objects.visible_to(self.user).select_related("project")
        return get_object_or_404(visible, project=self.project, slug=self.kwargs["name"])

    @cached_property
    def snapshot(self) -> Snapshot:
        rows = Snapshot.objects.select_related("dataset__project", "run")
        return get_object_or_404(rows, dataset=self.dataset, version=self.kwargs["version"])

    @property
    def frozen_snapshot(self) -> Snapshot:
        """The version, where it is frozen: what is made of it waits for that. Raises NotFrozen."""
        if not self.snapshot.is_frozen:
            raise NotFrozen(_("It is not frozen yet."))
        return self.snapshot

    def begun(self, run: Run) -> Response:
        """Answer that a run was asked for, and where to follow it."""
        transaction.on_commit(run_kinds.ring)
        answer = run_json(run)
        headers = {"Location": answer["url"]}
        return Response(answer, status=status.HTTP_202_ACCEPTED, headers=headers)

    def sent(self, fields: type[serializers.BaseSerializer[Any]]) -> dict[str, Any]:
        serializer = fields(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        checked: dict[str, Any] = serializer.validated_data
        return checked


def dataset_json(dataset: Dataset) -> dict[str, Any]:
    names = [dataset.project.slug, dataset.slug]
    return {
        "name": dataset.slug,
        "url": reverse("api_dataset", args=names),
        "title": dataset.title,
        "description": dataset.description,
        "license": dataset.license,
        "created_at": dataset.created_at,
        "versions": reverse("api_snapshots", args=names),
    }


def version_json(snapshot: Snapshot) -> dict[str, Any]:
    slug = snapshot.dataset.project.slug
    return {
        "version": snapshot.version,
        "url": reverse("api_snapshot", args=[slug, snapshot.dataset.slug, snapshot.version]),
        "state": snapshot.state,
        "content_hash": snapshot.content_hash,
        "notes": snapshot.notes,
        "run": snapshot.run_id and reverse("api_run", args=[slug, snapshot.run_id]),
        "created_at": snapshot.created_at,
        "frozen_at": snapshot.frozen_at,
    }


def whole_version_json(snapshot: Snapshot) -> dict[str, Any]:
    names = [snapshot.dataset.project.slug, snapshot.dataset.slug, snapshot.version]
    files = [
        {
            "path": file.path,
            "url": reverse("api_snapshot_file", args=[*names, file.path]),
            "kind": file.kind,
            "split": file.split,
            "rows": file.rows,
            "size": file.size,
            "sha256": file.sha256,
        }
        for file in snapshot.files.order_by("path")
    ]
    about = {"rules": snapshot.rules, "manifest": snapshot.manifest, "files": files}
    return version_json(snapshot) | about


class DatasetsView(DatasetsDoor, ListAPIView[Dataset]):
    queryset = Dataset.objects.none()
    serializer_class = shapes.DatasetShape
    pagination_class = KeysetPagination
    filter_backends: Sequence[Any] = ()

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the datasets of a project."""
        visible = Dataset.objects.visible_to(self.user).filter(project=self.project)
        check_parameters(request, KeysetPagination.parameters)
        paginator = KeysetPagination()
        rows = paginator.paginate_queryset(visible.select_related("project"), request, self)
        return paginator.get_paginated_response([dataset_json(row) for row in rows])

    @extend_schema(request=shapes.DatasetFields, responses={201: shapes.DatasetShape})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make a dataset, without a version yet."""
        project, sent = self.project, self.sent(shapes.DatasetFields)
        slug = sent.pop("name")
        try:
            with transaction.atomic():
                made = Dataset.objects.create(
                    project=project, slug=slug, created_by=self.user, **sent
                )
        except IntegrityError:
            said = _("Another dataset of this project has this short name.")
            raise ValidationError({"name": [said]}) from None
        answer = dataset_json(made)
        return Response(answer, status=status.HTTP_201_CREATED, headers={"Location": answer["url"]})


class DatasetView(DatasetsDoor):
    @extend_schema(responses=shapes.DatasetShape)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Say what a dataset says of itself."""
        check_parameters(request, ())
        return Response(dataset_json(self.dataset))


class VersionsView(DatasetsDoor, ListAPIView[Snapshot]):
    queryset = Snapshot.objects.none()
    serializer_class = shapes.VersionShape
    pagination_class = NewestFirst
    filter_backends: Sequence[Any] = ()

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the versions of a dataset, the newest first."""
        rows = Snapshot.objects.filter(dataset=self.dataset).select_related("dataset__project")
        check_parameters(request, NewestFirst.parameters)
        paginator = NewestFirst()
        page = paginator.paginate_queryset(rows, request, self)
        return paginator.get_paginated_response([version_json(row) for row in page])

    @extend_schema(request=shapes.FreezeFields, responses={202: shapes.VersionShape})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Freeze a new version: 202, and a run to follow."""
        dataset, sent = self.dataset, self.sent(shapes.FreezeFields)
        try:
            made = snapshots.freeze(
                dataset=dataset,
                rules=Rules.from_json(sent["rules"]),
                wanted=[shapes.wanted_of(one) for one in sent["formats"]],
                user=self.user,
                seen=opened_by(request, Project.objects.visible_to(self.user)),
                notes=sent["notes"],
            )
        except BadRules as error:
            raise ValidationError(_nested(error)) from None
        except (OptionRefused, snapshots.Refused) as error:
            raise ValidationError({"formats": [str(error)]}) from None
        transaction.on_commit(run_kinds.ring)
        answer = version_json(made)
        return Response(
            answer, status=status.HTTP_202_ACCEPTED, headers={"Location": answer["run"]}
        )


def _nested(error: BadRules) -> dict[str, Any]:
    """Return what is wrong with rules by paths such as `rules.held_out.0`."""
    said = {path.replace("[", ".").replace("]", ""): [one] for path, one in error.errors.items()}
    whole = said.pop("", None)
    return {"rules": said or whole}


class VersionView(DatasetsDoor):
    @extend_schema(responses=shapes.WholeVersionShape)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Say what a version holds: rules, counts, and its files with where to fetch them."""
        check_parameters(request, ())
        return Response(whole_version_json(self.snapshot))


class ExportsView(DatasetsDoor):
    @extend_schema(request=shapes.FormatFields, responses={202: RunShape})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Put a frozen version into one more format: 202, and a run to follow."""
        snapshot, sent = self.frozen_snapshot, self.sent(shapes.FormatFields)
        try:
            run = snapshots.add_formats(
                snapshot=snapshot, wanted=[shapes.wanted_of(sent)], user=self.user
            )
        except (OptionRefused, snapshots.Refused) as error:
            raise ValidationError(str(error)) from None
        return self.begun(run)


class FileView(DatasetsDoor):
    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # A file is what it is; errors are JSON for whoever wanted Parquet, too.
        return super().perform_content_negotiation(request, force=True)

    @extend_schema(
        responses={
            (200, kind): OpenApiTypes.OBJECT if kind == "application/json" else OpenApiTypes.BINARY
            for kind in downloads.TYPES.values()
        }
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Fetch a file of a version; `Range` fetches a part of it, and resumes."""
        return downloads.answer(
            request._request, downloads.found_file(self.snapshot, kwargs["path"])
        )
