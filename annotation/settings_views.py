"""The doors to a project's settings and guidelines."""

from copy import copy
from difflib import unified_diff

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from annotation import changes, run_kinds
from annotation.digests import digest
from annotation.guidelines import default_guidelines, guidelines_of
from annotation.models import Project, Run
from annotation.project_forms import GuidelinesForm, SettingsForm
from annotation.views import found_project, managed_project
from web.markdown import render as drawn
from web.views import UserRequest

shown_and_posted = require_http_methods(["GET", "HEAD", "POST"])


@shown_and_posted
def settings(request: UserRequest, slug: str) -> HttpResponse:
    project = managed_project(request, slug)
    form = settings_form(request, project)
    context: dict[str, object] = {"project": project, "form": form}
    if form.is_valid():
        seen = form.cleaned_data["seen"]
        try:
            run = changes.change_settings(
                project=project, seen=seen, wanted=form.wanted, user=request.user
            )
        except changes.ChangedMeanwhile as conflict:
            context["differences"] = form.differences(conflict.project, conflict.fields)
            context["form"] = settings_form(request, conflict.project, again=True)
        except changes.InUse:
            form.add_error("mode", _("Somebody has begun to mark: this can no longer change."))
        else:
            messages.success(request, followed(run))
            return redirect("project_settings", slug)
    return render(request, "annotation/settings.html", context)


def settings_form(request: UserRequest, project: Project, *, again: bool = False) -> SettingsForm:
    """Return the form; `again` takes what is now for seen, and keeps what was typed."""
    data = request.POST.copy() if request.method == "POST" else None
    # Validation writes what was typed into the form's project, and the page shows the real one.
    form = SettingsForm(data, instance=copy(project), may_draw=request.user.is_superuser)
    if data is not None and again:
        data["seen"] = form["seen"].field.prepare_value(changes.settings_of(project))
    return form


def followed(run: Run | None) -> str:
    """Begin `run`; say that the settings are saved, and how the queue follows in it."""
    if run is None:
        return _("Saved.")
    before = run.grown
    run_kinds.begin(run)
    if not run.is_whole:
        return _("Saved. The queue follows by itself: the project's page shows how far it is.")
    grown = run.grown - before
    if grown == 0:
        return _("Saved.")
    if grown > 0:
        said = ngettext(
            "Saved. The queue has %(n)s slot more.", "Saved. The queue has %(n)s slots more.", grown
        )
    else:
        said = ngettext(
            "Saved. The queue has %(n)s slot less.",
            "Saved. The queue has %(n)s slots less.",
            -grown,
        )
    return said % {"n": intcomma(abs(grown))}


@require_safe
def guidelines(request: UserRequest, slug: str) -> HttpResponse:
    project = found_project(request, slug)
    context = {
        "project": project,
        "guidelines": drawn(guidelines_of(project)),
        "is_default": not project.guidelines.strip(),
    }
    return render(request, "annotation/guidelines.html", context)


@shown_and_posted
def edit_guidelines(request: UserRequest, slug: str) -> HttpResponse:
    project = managed_project(request, slug)
    now = str(digest(project.guidelines))
    first = {"text": guidelines_of(project), "seen": now}
    form = GuidelinesForm(request.POST or None, initial=first)
    context: dict[str, object] = {"project": project, "form": form}
    if form.is_valid():
        text = form.cleaned_data["text"]
        if "preview" in request.POST:
            context["preview"] = drawn(text if text.strip() else default_guidelines())
        elif save_guidelines(project, seen=form.cleaned_data["seen"], text=text):
            messages.success(request, _("Saved."))
            return redirect("guidelines", slug)
        else:
            project.refresh_from_db(fields=["guidelines"])
            context["difference"] = difference(text, project.guidelines)
            context["form"] = GuidelinesForm(
                {"text": text, "seen": str(digest(project.guidelines))}
            )
    return render(request, "annotation/guidelines_edit.html", context)


def save_guidelines(project: Project, *, seen: str, text: str) -> bool:
    """Keep `text`, or its absence where it is ours; False where somebody saved in between."""
    wanted = "" if text.strip() == default_guidelines().strip() else text
    try:
        changes.change_guidelines(project=project, seen=seen, wanted=wanted)
    except changes.ChangedMeanwhile:
        return False
    return True


def difference(mine: str, theirs: str) -> str:
    lines = unified_diff(
        theirs.splitlines(), mine.splitlines(), _("saved meanwhile"), _("yours"), lineterm=""
    )
    return "\n".join(lines)
