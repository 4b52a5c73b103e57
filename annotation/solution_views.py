"""Browsing a project's solutions, and the page of one with everybody's marks side by side."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from annotation import routing
from annotation.browsing import solutions_open_to
from annotation.filters import SolutionFilter
from annotation.lists import solution_page
from annotation.models import Annotation, Solution
from annotation.practice_choice import NotForPractice, choose_for_practice
from annotation.rights import ProjectWithRights
from annotation.solution_page import holds, neighbours, open_slots, reading_of
from annotation.views import found_project
from web.errors import BadAddress
from web.pages import PLACES, Page, patience, refuse_unknown
from web.views import UserRequest

PRIORITIES = {"first": routing.FIRST, "last": routing.LAST, "usual": None}


def found_solution(request: UserRequest, project: ProjectWithRights, solution_id: int) -> Solution:
    visible = solutions_open_to(request.user, project).select_related("problem", "run")
    return get_object_or_404(visible, pk=solution_id)


def solution_filter(request: UserRequest, project: ProjectWithRights) -> SolutionFilter:
    """Return the filter that the address says; BadAddress where it says anything else."""
    form = SolutionFilter(
        request.GET, project, graded=project.reads_grades, reads_marks=project.reads_marks
    )
    refuse_unknown(request.GET, form.fields)
    return form


def kept_query(request: UserRequest) -> str:
    """Return what the address narrows to, without the page of it: "?…" or ""."""
    kept = {name: value for name, value in request.GET.items() if value and name not in PLACES}
    return f"?{urlencode(kept)}" if kept else ""


@require_safe
def solutions(request: UserRequest, slug: str) -> HttpResponse:
    project = found_project(request, slug)
    form = solution_filter(request, project)
    asked = form.asked()
    page: Page[Solution] = Page(rows=[], first=None, previous=None, next=None)
    if asked is not None:
        with patience():
            page = solution_page(asked, project, request.user, request.GET)
    context = {
        "project": project,
        "form": form,
        "page": page,
        "graded": project.reads_grades,
        "kept": kept_query(request),
    }
    return render(request, "annotation/solutions.html", context)


@require_safe
def solution(request: UserRequest, slug: str, solution_id: int) -> HttpResponse:
    project = found_project(request, slug)
    asked = solution_filter(request, project).asked() if request.GET else {}
    solution = found_solution(request, project, solution_id)
    context: dict[str, Any] = {
        "project": project,
        "solution": solution,
        "problem": solution.problem,
        "graded": project.reads_grades,
        "reading": reading_of(solution, request.user, reads_marks=project.reads_marks),
        "beside": neighbours(solution.pk, asked, project, request.user),
        "kept": kept_query(request),
    }
    if project.reads_marks:
        context["holds"] = holds(solution)
    if project.may_manage:
        context["slots"] = open_slots(solution)
    return render(request, "annotation/solution.html", context)


@require_POST
def practice(request: UserRequest, slug: str, solution_id: int) -> HttpResponse:
    """Choose an annotation of the solution for practice, or choose it no longer."""
    project, solution = _managed(request, slug, solution_id)
    named = request.POST.get("annotation", "")
    if not (named.isascii() and named.isdigit() and len(named) < 19):
        raise BadAddress(_("Say which annotation is meant."))
    annotations = Annotation.objects.visible_to(request.user).filter(solution=solution)
    annotation = get_object_or_404(annotations, pk=int(named))
    chosen = request.POST.get("is_practice") == "yes"
    try:
        choose_for_practice(annotation=annotation, chosen=chosen)
    except NotForPractice:
        messages.error(request, _("These marks do not reach the first error, or were corrected."))
    else:
        said = _("Newcomers practise on this solution.") if chosen else _("No longer for practice.")
        messages.success(request, said)
    return _back(request, project, solution)


@require_POST
def priority(request: UserRequest, slug: str, solution_id: int) -> HttpResponse:
    """Give the solution another place in the queue."""
    project, solution = _managed(request, slug, solution_id)
    wanted = request.POST.get("priority", "")
    if wanted not in PRIORITIES:
        raise BadAddress(_("A solution goes first, last, or to its usual place."))
    only_it = Solution.objects.filter(pk=solution.pk)
    routing.prioritise(project=project, solutions=only_it, priority=PRIORITIES[wanted])
    messages.success(request, _("The solution has its new place in the queue."))
    return _back(request, project, solution)


def _managed(
    request: UserRequest, slug: str, solution_id: int
) -> tuple[ProjectWithRights, Solution]:
    """Return what the user manages: 403 for its other members, 404 for outsiders."""
    project = found_project(request, slug)
    solution = found_solution(request, project, solution_id)
    if not project.may_manage:
        raise PermissionDenied
    return project, solution


def _back(
    request: UserRequest, project: ProjectWithRights, solution: Solution
) -> HttpResponseRedirect:
    address = reverse("solution", args=[project.slug, solution.pk])
    return redirect(f"{address}{kept_query(request)}")
