"""The pages of a project's datasets: what there is, and what each says of itself."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Count, F, Func, IntegerField, Max, Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from annotation.rights import ProjectWithRights
from annotation.views import found_project, managed_project
from datasets_app.dataset_forms import DatasetForm, HeldOutForm, NewDatasetForm
from datasets_app.models import Dataset, HeldOut, Snapshot
from datasets_app.scorecard import splits_of
from web.markdown import render as drawn
from web.views import UserRequest

shown_and_posted = require_http_methods(["GET", "HEAD", "POST"])


def read_project(request: UserRequest, slug: str) -> ProjectWithRights:
    """Return a project whose marks the user may read: 403 for labelers, 404 for outsiders."""
    project = found_project(request, slug)
    if not project.reads_marks:
        raise PermissionDenied
    return project


def found_dataset(request: UserRequest, project: ProjectWithRights, name: str) -> Dataset:
    visible = Dataset.objects.visible_to(request.user).select_related("project")
    return get_object_or_404(visible, project=project, slug=name)


@require_safe
def datasets(request: UserRequest, slug: str) -> HttpResponse:
    project = read_project(request, slug)
    newest = Snapshot.objects.select_related("run").order_by("-version")
    found = (
        Dataset.objects.visible_to(request.user)
        .filter(project=project)
        .annotate(n_versions=Count("snapshots"), last_at=Max("snapshots__created_at"))
        .prefetch_related(Prefetch("snapshots", queryset=newest, to_attr="versions"))
        .order_by("title", "pk")
    )
    length = Func(F("texts"), function="jsonb_array_length", output_field=IntegerField())
    held_out = HeldOut.objects.filter(project=project).defer("texts").order_by("name")
    held_out = held_out.annotate(n_problems=length)
    context = {"project": project, "datasets": found, "held_out": held_out}
    return render(request, "datasets_app/datasets.html", context)


@shown_and_posted
def new_dataset(request: UserRequest, slug: str) -> HttpResponse:
    project = managed_project(request, slug)
    form = NewDatasetForm(request.POST or None, project=project)
    if form.is_valid():
        made = form.save(commit=False)
        made.project, made.created_by = project, request.user
        try:
            with transaction.atomic():
                made.save()
        except IntegrityError:
            form.add_error("slug", _("A dataset with this short name was made just now."))
        else:
            return redirect("freeze", slug, made.slug)
    return render(request, "datasets_app/new_dataset.html", {"project": project, "form": form})


@require_safe
def dataset(request: UserRequest, slug: str, name: str) -> HttpResponse:
    project = read_project(request, slug)
    found = found_dataset(request, project, name)
    versions = list(found.snapshots.select_related("run").order_by("-version"))
    context = {
        "project": project,
        "dataset": found,
        "description": drawn(found.description) if found.description else "",
        "versions": [
            (one, same_before(one, versions), splits_of(one.manifest) if one.is_frozen else [])
            for one in versions
        ],
        "n_freezing": sum(one.standing == Snapshot.Standing.FREEZING for one in versions),
        "n_frozen": sum(one.is_frozen for one in versions),
    }
    return render(request, "datasets_app/dataset.html", context)


def same_before(snapshot: Snapshot, versions: list[Snapshot]) -> Snapshot | None:
    """Return the first of `versions` that holds what a later one does, to the byte."""
    same = [
        one
        for one in versions
        if snapshot.content_hash
        and one.content_hash == snapshot.content_hash
        and one.version < snapshot.version
    ]
    return min(same, key=lambda one: one.version, default=None)


@shown_and_posted
def edit_dataset(request: UserRequest, slug: str, name: str) -> HttpResponse:
    project = managed_project(request, slug)
    found = found_dataset(request, project, name)
    form = DatasetForm(request.POST or None, instance=found)
    if form.is_valid():
        form.save()
        messages.success(request, _("Saved. Cards of later versions say it so."))
        return redirect("dataset", slug, name)
    context = {"project": project, "dataset": found, "form": form}
    return render(request, "datasets_app/edit_dataset.html", context)


@shown_and_posted
def hold_out(request: UserRequest, slug: str) -> HttpResponse:
    project = managed_project(request, slug)
    form = HeldOutForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        kept = form.keep(project, request.user)
        if kept is not None:
            said = _("%(name)s is held out: %(count)d problems.")
            messages.success(request, said % {"name": kept.name, "count": len(kept.texts)})
            return redirect("datasets", slug)
    return render(request, "datasets_app/hold_out.html", {"project": project, "form": form})
