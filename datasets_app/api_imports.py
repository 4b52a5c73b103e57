"""Files to be imported over REST: sent by those who manage a project, and what became of them."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import run_kinds
from annotation.api_runs import ManagedView, run_json
from annotation.models import Project
from annotation.run_control import check_active
from annotation.run_pace import NotNow
from datasets_app import uploads
from datasets_app.bad_lines import as_csv, bad_lines
from datasets_app.importers import AUTO
from datasets_app.models import Upload
from web.api_bodies import Body, OneOf
from web.api_pages import check_parameters
from web.pages import refuse_unknown
from web.registry import UnknownName

FORM_BYTES = 64 * 1024
"""What a request may hold beside its file."""


class TooMuch(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class ImportFields(Body[dict[str, Any]]):
    file = serializers.FileField(allow_empty_file=False)
    kind = OneOf(sorted(uploads.KINDS))
    importer = serializers.CharField(max_length=50, default=AUTO)
    split = serializers.CharField(max_length=100, default="", allow_blank=True)
    splitter = serializers.CharField(max_length=50, default="newline")


def limit_bytes() -> int:
    limit: int = settings.STEPMARK_UPLOAD_MB * 1024 * 1024
    return limit


def refuse_larger(request: Request, limit: int) -> None:
    """Refuse a file of more than `limit` bytes, before anything of it is read. Raises TooMuch."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > limit + FORM_BYTES:
        said = _("A file may hold %(limit)d MB at most, also decompressed.")
        raise TooMuch(said % {"limit": limit // 2**20})


def beyond_limit(line: int) -> str:
    """Say that a file holds too much from a line on."""
    said = _("A file may hold %(limit)d MB at most, also decompressed: line %(line)d is beyond it.")
    return said % {"limit": settings.STEPMARK_UPLOAD_MB, "line": line}


def upload_json(upload: Upload) -> dict[str, Any]:
    """Return the run of an upload as clients read it, with what came of the file so far."""
    slug = upload.run.project.slug
    return {
        **run_json(upload.run),
        "url": reverse("api_import", args=[slug, upload.run_id]),
        "run": reverse("api_run", args=[slug, upload.run_id]),
        "import": {
            "file": upload.file,
            "size_bytes": upload.size_bytes,
            "sha256": upload.sha256,
            "kind": upload.kind,
            "importer": upload.importer,
            "options": upload.options,
            "read": upload.read,
            "added": upload.added,
            "known": upload.known,
            "bad": upload.bad,
            "errors": reverse("api_import_errors", args=[slug, upload.run_id]),
        },
    }


class ImportView(ManagedView):
    def upload(self, slug: str, run_id: int) -> Upload:
        found = Upload.objects.select_related("run__project")
        return get_object_or_404(found, run__project=self.project(slug), pk=run_id)

    def get(self, request: Request, slug: str, run_id: int) -> Response:
        """Say how far an import is, and what came of it."""
        check_parameters(request, ())
        return Response(upload_json(self.upload(slug, run_id)))


class ImportsView(ManagedView):
    parser_classes = (MultiPartParser,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        refuse_larger(request, limit_bytes())
        super().initial(request, *args, **kwargs)

    def post(self, request: Request, slug: str) -> Response:
        """Take a file of JSON lines and import it: 202, and a run to follow."""
        project, sent = self.project(slug), self.sent(ImportFields)
        file = sent.pop("file")
        try:
            upload = self.receive(project, file, sent)
        except NotNow as error:
            return self.refused(error)
        transaction.on_commit(run_kinds.ring)
        answer = upload_json(upload)
        return Response(
            answer, status=status.HTTP_202_ACCEPTED, headers={"Location": answer["url"]}
        )

    def receive(self, project: Project, file: Any, sent: dict[str, Any]) -> Upload:
        check_active(project)
        try:
            return uploads.receive(
                project=project,
                user=self.user,
                file=file,
                name=file.name,
                wanted=uploads.ImportRequest(**sent),
                limit_bytes=limit_bytes(),
            )
        except uploads.TooLarge as error:
            raise TooMuch(beyond_limit(error.line)) from None
        except uploads.NotImported as error:
            raise ValidationError({"file": [str(error)]}) from None
        except UnknownName as error:
            raise ValidationError(str(error)) from None


class ImportErrorsView(ImportView):
    def get(self, request: Request, slug: str, run_id: int) -> Response:
        """List the bad lines of an import, in the order of the file."""
        refuse_unknown(request.query_params, ())
        page = bad_lines(self.upload(slug, run_id), request.query_params)
        found = [{"line": row.number, "reason": row.reason} for row in page.rows]
        return Response({"errors": found, "next": page.next, "previous": page.previous})


class ImportErrorsFileView(ImportView):
    def get(self, request: Request, slug: str, run_id: int) -> Any:
        """Download the bad lines of an import as CSV: `line,reason`."""
        check_parameters(request, ())
        return csv_of(self.upload(slug, run_id))


def csv_of(upload: Upload) -> StreamingHttpResponse:
    """Return the bad lines of an upload as a file to be saved."""
    lines: Iterator[str] = as_csv(upload)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="errors-{upload.pk}.csv"'
    return response
