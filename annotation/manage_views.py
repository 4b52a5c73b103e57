"""The doors for managers: what a project gives out, and its beginning and end."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from annotation import changes, cloning, ending, routing, run_kinds
from annotation.models import Lease, Run
from annotation.project_forms import CloneForm, NewProjectForm
from annotation.route import look_again
from annotation.run_pace import NotNow
from annotation.views import managed_project
from labelers.models import Labeler
from web.views import UserRequest

shown_and_posted = require_http_methods(["GET", "HEAD", "POST"])


@shown_and_posted
@permission_required("annotation.add_project", raise_exception=True)
def new_project(request: UserRequest) -> HttpResponse:
    form = NewProjectForm(request.POST or None)
    if form.is_valid():
        try:
            made = changes.create_project(user=request.user, **form.cleaned_data)
        except IntegrityError:
            form.add_error("slug", _("A project with this short name was made just now."))
        else:
            return redirect("project", made.slug)
    return render(request, "annotation/new_project.html", {"form": form})


@require_POST
def route(request: UserRequest, slug: str) -> HttpResponse:
    project = managed_project(request, slug)
    if project.is_routed:
        look_again(project, request.user)
        run_kinds.ring()
        messages.success(request, _("Every solution is looked at again. This takes a moment."))
        return redirect("project", slug)
    run = routing.request(project=project, user=request.user)
    before = run.grown
    run_kinds.begin(run)
    grown = run.grown - before
    made = ngettext("%(n)s new slot of work.", "%(n)s new slots of work.", grown)
    none = _("Every solution has its slots already.")
    tell(request, run, done=made % {"n": intcomma(grown)} if grown > 0 else none)
    return redirect("project", slug)


def tell(request: UserRequest, run: Run, *, done: str) -> None:
    """Say what became of what was asked for, or that workers go on with it."""
    if run.is_unfinished:
        messages.info(request, _("This goes on by itself: the project's page shows how far it is."))
    elif run.is_whole:
        messages.success(request, done)
    else:
        messages.error(request, _("Not all of it was done: the project's page says why."))


@require_POST
def pause(request: UserRequest, slug: str) -> HttpResponse:
    changes.pause(managed_project(request, slug))
    messages.success(request, _("Paused. What people hold they can still finish."))
    return redirect("project", slug)


@require_POST
def resume(request: UserRequest, slug: str) -> HttpResponse:
    try:
        changes.resume(managed_project(request, slug))
    except NotNow as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("Work is given out again."))
    return redirect("project", slug)


@require_POST
def release(request: UserRequest, slug: str, lease_id: int) -> HttpResponse:
    lease = get_object_or_404(Lease, project=managed_project(request, slug), pk=lease_id)
    if ending.release(lease):
        messages.success(request, _("Released. Marks made so far are kept as a draft."))
    else:
        messages.warning(request, _("This hold had ended already."))
    return redirect("project", slug)


@require_POST
def release_labeler(request: UserRequest, slug: str, labeler_id: int) -> HttpResponse:
    project = managed_project(request, slug)
    held = Lease.objects.filter(project=project).values("labeler")
    labeler = get_object_or_404(Labeler, pk=labeler_id, pk__in=held)
    released = ending.release_all(labeler=labeler, project=project)
    said = ngettext("%(n)s solution released.", "%(n)s solutions released.", released)
    messages.success(request, said % {"n": intcomma(released)})
    return redirect("project", slug)


@shown_and_posted
def archive(request: UserRequest, slug: str) -> HttpResponse:
    project = managed_project(request, slug)
    if request.method == "POST":
        changes.archive(project)
        messages.success(request, _("The project is archived."))
        return redirect("project", slug)
    holding = Lease.objects.holding().filter(project=project).count()
    return render(request, "annotation/archive.html", {"project": project, "holding": holding})


@require_POST
def restore(request: UserRequest, slug: str) -> HttpResponse:
    changes.restore(managed_project(request, slug))
    messages.success(request, _("The project is back among the current ones."))
    return redirect("project", slug)


@shown_and_posted
def clone(request: UserRequest, slug: str) -> HttpResponse:
    project = managed_project(request, slug)
    # Not by a decorator: outsiders find nothing here.
    if not request.user.has_perm("annotation.add_project"):
        raise PermissionDenied
    form = CloneForm(request.POST or None)
    if form.is_valid():
        try:
            made, run = cloning.clone(project=project, user=request.user, **form.cleaned_data)
        except IntegrityError:
            form.add_error("slug", _("A project with this short name was made just now."))
        else:
            if run is not None:
                run_kinds.begin(run)
            if run is None or run.is_whole:
                messages.success(request, _("This is the new project."))
            return redirect("project", made.slug)
    return render(request, "annotation/clone.html", {"project": project, "form": form})
