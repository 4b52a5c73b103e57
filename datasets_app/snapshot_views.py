"""The page of a version: how far it is, what it holds, its files and how to load them."""

from django.contrib import messages
from django.db import transaction
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from annotation import run_kinds
from annotation.models import Project
from annotation.run_pace import NotNow
from annotation.views import managed_project
from datasets_app import about, snapshots, version_runs
from datasets_app.exporters.base import OptionRefused
from datasets_app.file_groups import grouped_files
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


def frozen_before(snapshot: Snapshot) -> Snapshot | None:
    earlier = snapshot.dataset.snapshots.frozen().filter(version__lt=snapshot.version)
    return earlier.order_by("-version").first()


def of_frozen(snapshot: Snapshot) -> dict[str, object]:
    """Return what the page says of a frozen version alone."""
    files = snapshot.files.select_related("export")
    unwritten = version_runs.unwritten(snapshot)
    return {
        "card": scorecard(snapshot.manifest),
        "tokens": [token_card(said) for said in about.token_lengths(snapshot)],
        "before": frozen_before(snapshot),
        "groups": grouped_files(
            files.order_by(F("export__name").asc(nulls_first=True), "kind", "path")
        ),
        "writing": [one for one in unwritten if one.is_going_on],
        "unwritten": [one for one in unwritten if not one.is_going_on],
    }


@require_safe
def snapshot(request: UserRequest, slug: str, name: str, version: int) -> HttpResponse:
    project = read_project(request, slug)
    found = found_snapshot(request, project, name, version)
    rules = Rules.from_json(found.rules)
    context: dict[str, object] = {
        "project": project,
        "dataset": found.dataset,
        "snapshot": found,
        "words": in_words(with_names(rules, labelers_of(project, rules)), _),
        "same": same_before(found, list(found.dataset.snapshots.all())),
    }
    if found.is_frozen:
        context |= of_frozen(found) | {
            "scripts": scripts_of(found, request.build_absolute_uri("/")),
            "form": FormatForm() if project.may_manage else None,
        }
    else:
        context |= {"run": found.run, "why": version_runs.reason_of(found.run)}
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


@require_POST
def go_on(request: UserRequest, slug: str, name: str, version: int) -> HttpResponse:
    """Have the runs of a version that were stopped go on."""
    project = managed_project(request, slug)
    found = found_snapshot(request, project, name, version)
    try:
        version_runs.go_on(found)
    except NotNow as error:
        messages.warning(request, str(error))
    else:
        transaction.on_commit(run_kinds.ring)
        messages.success(request, _("It goes on."))
    return redirect("snapshot", slug, name, version)
