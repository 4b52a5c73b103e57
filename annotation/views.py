"""Pages to look at a project by: nothing here changes a row."""

from functools import partial

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from annotation import cloning, overview
from annotation.anchoring import overruled
from annotation.browsing import solutions_open_to
from annotation.building import not_begun
from annotation.filters import ProblemFilter
from annotation.lists import by_answer, list_problems, list_projects, list_solutions
from annotation.models import Problem, Project, Run
from annotation.overview import in_time
from annotation.rights import ProjectWithRights, with_rights
from annotation.run_forms import StartForm
from annotation.standings import holds, standings
from annotation.waiting import was_given_out
from web.pages import page_of, patience
from web.views import UserRequest

NEWEST_PROJECTS = 12
NEWEST_RUNS = 10


def found_project(request: UserRequest, slug: str) -> ProjectWithRights:
    return get_object_or_404(with_rights(request.user), slug=slug)


def managed_project(request: UserRequest, slug: str) -> ProjectWithRights:
    """Return a project that the user manages: 403 for its other members, 404 for outsiders."""
    project = found_project(request, slug)
    if not project.may_manage:
        raise PermissionDenied
    return project


def sees_grades(request: UserRequest, project: Project) -> bool:
    return Project.objects.grades_visible_to(request.user).contains(project)


@require_safe
def projects(request: UserRequest) -> HttpResponse:
    visible = list_projects(Project.objects.visible_to(request.user), request.user)
    return render(request, "annotation/projects.html", {"page": page_of(visible, request.GET)})


@require_safe
def project(request: UserRequest, slug: str) -> HttpResponse:
    project, user = found_project(request, slug), request.user
    compares = project.reads_marks and project.is_routed
    runs = Run.objects.visible_to(user).filter(project=project).order_by("-pk")
    funnel = overview.funnel(project)
    context = {
        "project": project,
        "filling": cloning.filling(project),
        "funnel": funnel,
        "wants_route": wants_route(project, funnel),
        "answers": in_time(partial(overview.answers, project)) if project.reads_grades else None,
        "throughput": in_time(partial(overview.throughput, project, user)),
        "standings": in_time(partial(standings, project, user)),
        "holds": holds(project, user),
        "now": timezone.now(),
        "runs": runs[:NEWEST_RUNS],
        "start": start_form(request, project),
        "overruled": in_time(partial(overruled, project)) if compares else [],
        "to_review": overview.to_review(project, user),
    }
    return render(request, "annotation/project.html", context)


def wants_route(project: ProjectWithRights, funnel: overview.Funnel) -> bool:
    """Whether a manager still has to give out the project's work; a policy does it by itself."""
    if not project.may_manage or project.archived_at or project.is_routed:
        return False
    work = funnel.problems if project.mode == Project.Mode.EXPLORE else funnel.solutions
    return bool(work) and not was_given_out(project)


def start_form(request: UserRequest, project: ProjectWithRights) -> StartForm | None:
    """Return the form that has a model labeler mark, for managers of a project at work."""
    if not project.may_manage or project.archived_at is not None:
        return None
    form = StartForm(None, user=request.user)
    return form if form.labelers else None


@require_safe
def problems(request: UserRequest, slug: str) -> HttpResponse:
    project = found_project(request, slug)
    form = ProblemFilter(request.GET, project)
    visible = Problem.objects.visible_to(request.user).filter(project=project)
    with patience():
        page = page_of(list_problems(form.narrow(visible)), request.GET)
    context = {"project": project, "form": form, "page": page}
    context["graded"] = sees_grades(request, project)
    return render(request, "annotation/problems.html", context)


@require_safe
def problem(request: UserRequest, slug: str, problem_id: int) -> HttpResponse:
    project = found_project(request, slug)
    visible = Problem.objects.visible_to(request.user).filter(project=project)
    problem = get_object_or_404(visible, pk=problem_id)
    open_to_them = solutions_open_to(request.user, project).filter(problem=problem)
    solutions = open_to_them.exclude(not_begun())
    page = page_of(list_solutions(solutions, request.user), request.GET)
    graded = sees_grades(request, project)
    return render(
        request,
        "annotation/problem.html",
        {
            "project": project,
            "problem": problem,
            "graded": graded,
            "answers": overview.problem_answers(problem),
            "groups": by_answer(page.rows) if graded or not page.rows else [("", page.rows)],
            "page": page,
        },
    )
