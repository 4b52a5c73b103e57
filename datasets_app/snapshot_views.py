"""The page of a version: how far it is, what it holds, its files and how to load them."""

from django.contrib import messages
from django.db import transaction
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from annotation import run_kinds, run_progress
from annotation.models import Project
from annotation.views import managed_project
from datasets_app import about, snapshots
from datasets_app.exporters.base import OptionRefused
from datasets_app.form_rules import labelers_of, with_names
from datasets_app.format_form import FormatForm
from datasets_app.loading_script import scripts_of
from datasets_app.models import Snapshot
from datasets_app.rule_words import in_words
from datasets_app.rules import Rules
from datasets_app.scorecard import scorecard, token_card
from datasets_app.views import read_project, same_before
from web.views import UserRequest


def found_snapshot(request: UserRequest, project: Project, name: str, version: int) -> Snapshot:
    visible = Snapshot.objects.visible_to(request.user).select_related("dataset__project", "run")
    return get_object_or_404(visible, dataset__project=project, dataset__slug=name, version=version)


@require_safe
def snapshot(request: UserRequest, slug: str, name: str, version: int) -> HttpResponse:
    project = read_project(request, slug)
    found = found_snapshot(request, project, name, version)
    rules = Rules.from_json(found.rules)
    files = found.files.order_by(F("export__name").asc(nulls_first=True), "kind", "path")
    exporting = found.exports.filter(is_whole=False)
    context: dict[str, object] = {
        "project": project,
        "dataset": found.dataset,
        "snapshot": found,
        "words": in_words(with_names(rules, labelers_of(project, rules)), _),
        "files": files.select_related("export"),
        "same": same_before(found, list(found.dataset.snapshots.all())),
        "exporting": exporting if found.is_frozen else [],
    }
    if found.is_frozen:
        context |= {
            "card": scorecard(found.manifest),
            "tokens": [token_card(said) for said in about.token_lengths(found)],
            "scripts": scripts_of(found, request.build_absolute_uri("/")),
            "form": FormatForm() if project.may_manage else None,
        }
    elif found.run:
        context |= {"run": found.run, "progress": run_progress.progress(found.run)}
    return render(request, "datasets_app/snapshot.html", context)


@require_POST
def add_formats(request: UserRequest, slug: str, name: str, version: int) -> HttpResponse:
    """Put a frozen version into one more format."""
    project = managed_project(request, slug)
    found = found_snapshot(request, project, name, version)
    form = FormatForm(request.POST)
    if not form.is_valid():
        said = [str(error) for errors in form.errors.values() for error in errors]
        messages.warning(request, " ".join(said))
        return redirect("snapshot", slug, name, version)
    try:
        snapshots.add_formats(snapshot=found, wanted=[form.wanted], user=request.user)
    except (snapshots.Refused, OptionRefused) as error:
        messages.warning(request, str(error))
    else:
        transaction.on_commit(run_kinds.ring)
        messages.success(request, _("It is being written. The files appear here."))
    return redirect("snapshot", slug, name, version)
