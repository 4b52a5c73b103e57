"""Pages to look at a project by: nothing here changes a row."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from annotation import overview
from annotation.filters import ProblemFilter, SolutionFilter
from annotation.lists import by_answer, list_problems, list_projects, list_solutions
from annotation.models import Problem, Project, Run, Solution
from annotation.reading import read
from web.pages import page_of, patience
from web.views import UserRequest

NEWEST_PROJECTS = 12
NEWEST_RUNS = 10


def found_project(request: UserRequest, slug: str) -> Project:
    return get_object_or_404(Project.objects.visible_to(request.user), slug=slug)


def sees_grades(request: UserRequest, project: Project) -> bool:
    return Project.objects.grades_visible_to(request.user).contains(project)


@require_safe
def home(request: UserRequest) -> HttpResponse:
    projects = list_projects(Project.objects.visible_to(request.user).active(), request.user)
    runs = Run.objects.visible_to(request.user).unfinished().select_related("project")
    return render(
        request,
        "annotation/home.html",
        {
            "projects": projects.order_by("-pk")[:NEWEST_PROJECTS],
            "runs": runs.order_by("-pk")[:NEWEST_RUNS],
        },
    )


@require_safe
def projects(request: UserRequest) -> HttpResponse:
    visible = list_projects(Project.objects.visible_to(request.user), request.user)
    return render(request, "annotation/projects.html", {"page": page_of(visible, request.GET)})


@require_safe
def project(request: UserRequest, slug: str) -> HttpResponse:
    project = found_project(request, slug)
    runs = Run.objects.visible_to(request.user).filter(project=project).order_by("-pk")
    return render(
        request,
        "annotation/project.html",
        {
            "project": project,
            "graded": sees_grades(request, project),
            "funnel": overview.funnel(project),
            "writers": overview.writers(project),
            "balances": overview.balances(project, request.user),
            "runs": runs[:NEWEST_RUNS],
        },
    )


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
    solutions = Solution.objects.visible_to(request.user).filter(problem=problem)
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


@require_safe
def solutions(request: UserRequest, slug: str) -> HttpResponse:
    project = found_project(request, slug)
    graded = sees_grades(request, project)
    form = SolutionFilter(request.GET, project, graded=graded)
    visible = Solution.objects.visible_to(request.user).filter(project=project)
    with patience():
        narrowed = list_solutions(form.narrow(visible), request.user).select_related("problem")
        page = page_of(narrowed, request.GET)
    context = {"project": project, "form": form, "page": page, "graded": graded}
    return render(request, "annotation/solutions.html", context)


@require_safe
def solution(request: UserRequest, slug: str, solution_id: int) -> HttpResponse:
    project = found_project(request, slug)
    visible = Solution.objects.visible_to(request.user).filter(project=project)
    solution = get_object_or_404(visible.select_related("problem", "run"), pk=solution_id)
    annotations = (
        overview.visible_annotations(project, request.user)
        .filter(solution=solution)
        .select_related("labeler")
        .prefetch_related("labels", "positions")
        .order_by("pk")
    )
    return render(
        request,
        "annotation/solution.html",
        {
            "project": project,
            "solution": solution,
            "problem": solution.problem,
            "graded": sees_grades(request, project),
            "annotations": annotations,
            "places": read(solution, list(annotations)),
        },
    )
