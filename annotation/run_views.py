"""The pages of a project's runs: what goes on, how far it is, and the buttons that steer it."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import run_control, run_kinds, run_progress
from annotation.lists import newest_runs
from annotation.models import Run
from annotation.run_forms import ResumeForm, StartForm
from annotation.run_pace import NotNow
from annotation.views import managed_project
from web.pages import page_of
from web.views import UserRequest


def managed_run(request: UserRequest, slug: str, run_id: int) -> Run:
    """Return a run of a project that the user manages."""
    project = managed_project(request, slug)
    return get_object_or_404(Run.objects.select_related("project"), project=project, pk=run_id)


@require_http_methods(["GET", "HEAD", "POST"])
def runs(request: UserRequest, slug: str) -> HttpResponse:
    """List a project's runs; a POST starts one that marks."""
    project = managed_project(request, slug)
    form = StartForm(request.POST or None, user=request.user)
    if form.is_valid():
        try:
            run = run_control.start(project=project, user=request.user, **form.cleaned_data)
        except NotNow as error:
            form.add_error(None, str(error))
        else:
            run_kinds.ring()
            return redirect("run", slug, run.pk)
    context = {"project": project, "form": form, "page": newest_runs(project, request.GET)}
    return render(request, "annotation/runs.html", context)


@require_safe
def run(request: UserRequest, slug: str, run_id: int) -> HttpResponse:
    project = managed_project(request, slug)
    found = get_object_or_404(Run, project=project, pk=run_id)
    context: dict[str, object] = {
        "project": project,
        "run": found,
        "progress": run_progress.progress(found),
        "may_go_on": run_control.may_go_on_for(request.user, found) and not found.is_beyond_help,
        "form": ResumeForm() if found.currency else None,
    }
    if found.failed and found.kind in run_progress.LISTED:
        page = page_of(run_progress.failed(found), request.GET)
        why = run_progress.reasons(found, [row.pk for row in page.rows])
        context |= {"page": page, "failed": [(row, why.get(row.pk, "")) for row in page.rows]}
    return render(request, "annotation/run.html", context)


def act(
    request: UserRequest, slug: str, run_id: int, done: Callable[[Run], object], said: str
) -> HttpResponse:
    """Do something to a run and say so, or say why it cannot be."""
    found = managed_run(request, slug, run_id)
    try:
        done(found)
    except NotNow as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, said)
    return redirect("run", slug, run_id)


def go_on(
    request: UserRequest, slug: str, run_id: int, done: Callable[[Run], object], said: str
) -> HttpResponse:
    """As `act`, where the run does more and may ask an engine for it."""
    run_control.check_may_go_on(request.user, managed_run(request, slug, run_id))
    answer = act(request, slug, run_id, done, said)
    run_kinds.ring()
    return answer


@require_POST
def pause(request: UserRequest, slug: str, run_id: int) -> HttpResponse:
    said = _("Paused. What is being worked on is still finished.")
    return act(request, slug, run_id, run_control.pause, said)


@require_POST
def cancel(request: UserRequest, slug: str, run_id: int) -> HttpResponse:
    return act(request, slug, run_id, run_control.cancel, _("Cancelled. What was made is kept."))


@require_POST
def resume(request: UserRequest, slug: str, run_id: int) -> HttpResponse:
    managed_run(request, slug, run_id)
    form = ResumeForm(request.POST)
    if not form.is_valid():
        messages.warning(request, " ".join(str(error) for error in form.errors["budget"]))
        return redirect("run", slug, run_id)
    budget = form.cleaned_data["budget"]
    return go_on(
        request, slug, run_id, lambda run: run_control.resume(run, budget=budget), _("It goes on.")
    )


@require_POST
def retry(request: UserRequest, slug: str, run_id: int) -> HttpResponse:
    said = _("What failed is tried again.")
    return go_on(request, slug, run_id, run_control.retry_failed, said)
