"""The pages on which managers send a file and see what became of it."""

from typing import Any

from django import forms
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from annotation import run_control, run_kinds, run_progress
from annotation.run_pace import NotNow
from annotation.steps import SPLITTERS
from annotation.views import managed_project
from datasets_app import uploads
from datasets_app.api_imports import beyond_limit, csv_of, limit_bytes
from datasets_app.bad_lines import bad_lines
from datasets_app.models import Upload
from web.registry import UnknownName
from web.views import UserRequest

NEWEST = 20
KINDS = [
    (Upload.Kind.PROBLEMS, gettext_lazy("Problems")),
    (Upload.Kind.SOLUTIONS, gettext_lazy("Solutions")),
    (Upload.Kind.ANNOTATIONS, gettext_lazy("Annotations")),
    (Upload.Kind.MARKS, gettext_lazy("Solutions with marks on their steps")),
]


class ImportForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("JSON lines, also .gz or .zst; the format is found out."),
    )
    kind = forms.ChoiceField(label=gettext_lazy("What it holds"), choices=KINDS)
    split = forms.CharField(
        label=gettext_lazy("Split"),
        help_text=gettext_lazy("Of problems that name none."),
        max_length=100,
        required=False,
    )
    splitter = forms.ChoiceField(
        label=gettext_lazy("How solutions are split into steps"),
        help_text=gettext_lazy("Where the file does not give their steps."),
        choices=[(name, name) for name in sorted(SPLITTERS)],
        initial="newline",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: UserRequest, slug: str) -> HttpResponse:
    """List what was sent; a POST takes a file and imports it."""
    project = managed_project(request, slug)
    form = ImportForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        upload = _receive(request, project, form)
        if upload is not None:
            run_kinds.ring()
            return redirect("import", slug, upload.pk)
    newest = Upload.objects.filter(run__project=project).select_related("run")
    context = {"project": project, "form": form, "uploads": newest.order_by("-run")[:NEWEST]}
    return render(request, "datasets_app/imports.html", context)


def _receive(request: UserRequest, project: Any, form: ImportForm) -> Upload | None:
    """Return the upload of a valid form, or say in the form why there is none."""
    sent = dict(form.cleaned_data)
    file = sent.pop("file")
    try:
        run_control.check_active(project)
        return uploads.receive(
            project=project,
            user=request.user,
            file=file,
            name=file.name,
            wanted=uploads.ImportRequest(**sent),
            limit_bytes=limit_bytes(),
        )
    except uploads.TooLarge as error:
        form.add_error("file", beyond_limit(error.line))
    except uploads.NotImported as error:
        form.add_error("file", str(error))
    except (NotNow, UnknownName) as error:
        form.add_error(None, str(error))
    return None


@require_safe
def one_import(request: UserRequest, slug: str, run_id: int) -> HttpResponse:
    """Show how far an import is, and its bad lines."""
    project = managed_project(request, slug)
    rows = Upload.objects.filter(run__project=project).select_related("run__created_by")
    upload = get_object_or_404(rows, pk=run_id)
    context = {
        "project": project,
        "upload": upload,
        "run": upload.run,
        "progress": run_progress.progress(upload.run),
        "may_go_on": True,
        "page": bad_lines(upload, request.GET),
    }
    return render(request, "datasets_app/import.html", context)


@require_safe
def import_errors(request: UserRequest, slug: str, run_id: int) -> StreamingHttpResponse:
    rows = Upload.objects.filter(run__project=managed_project(request, slug))
    return csv_of(get_object_or_404(rows, pk=run_id))
