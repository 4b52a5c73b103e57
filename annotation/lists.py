"""What the lists of projects, problems and solutions say beside each row."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Case, Count, Model, OuterRef, Prefetch, QuerySet, Subquery, When
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.utils.translation import gettext as _

from annotation.browsing import walk
from annotation.building import not_begun
from annotation.models import Annotation, Membership, Problem, Project, Run, Solution, Step
from annotation.models.content import ProblemQuerySet, SolutionQuerySet
from annotation.models.projects import ProjectQuerySet
from web.models import User
from web.pages import Keyset, Page, id_place, page_by


def list_projects(projects: ProjectQuerySet, user: User) -> ProjectQuerySet:
    """Add to each project `n_problems`, `n_solutions` and the `role` of `user` in it."""
    role = Membership.objects.filter(project=OuterRef("pk"), user=user).values("role")
    solutions = Solution.objects.filter(project=OuterRef("pk"))
    begun = how_many(solutions.exclude(not_begun()), "project")
    # Only where there may be some to leave out: counting all is done in an index alone.
    counted = Case(
        When(mode=Project.Mode.EXPLORE, then=begun), default=how_many(solutions, "project")
    )
    return projects.annotate(
        n_problems=how_many(Problem.objects.filter(project=OuterRef("pk")), "project"),
        n_solutions=counted,
        role=Subquery(role),
    )


def list_problems(problems: ProblemQuerySet) -> ProblemQuerySet:
    """Add to each problem `n_solutions`, and `n_right` of them with the right answer."""
    solutions = Solution.objects.filter(problem=OuterRef("pk")).exclude(not_begun())
    return problems.defer("reference_solution", "metadata").annotate(
        n_solutions=how_many(solutions, "problem"),
        n_right=how_many(solutions.filter(is_correct=True), "problem"),
    )


def list_solutions(solutions: SolutionQuerySet, user: User) -> SolutionQuerySet:
    """Add to each solution `n_steps` of its own, and its `annotations` that `user` may read."""
    steps = Step.objects.filter(solution=OuterRef("pk"), alternative=0)
    annotations = Annotation.objects.visible_to(user).in_force().only("solution")
    return (
        solutions.defer("text", "prompt_text", "parameters", "metadata")
        .annotate(n_steps=how_many(steps, "solution"))
        .prefetch_related(Prefetch("annotations", queryset=annotations))
    )


def solution_page(
    asked: Mapping[str, Any], project: Project, user: User, query: QueryDict
) -> Page[Solution]:
    """Return the page that `query` names of the solutions asked for (`browsing.walk`), as listed.

    Raises BadAddress for a page that is none.
    """
    found = walk(asked, project, user)
    listed = list_solutions(Solution.objects.visible_to(user), user).select_related("problem")

    def read(place: int | None, backwards: bool, limit: int) -> list[Solution]:
        ids = found.ids(place, backwards=backwards, limit=limit)
        solutions = listed.in_bulk(ids)
        return [solutions[pk] for pk in ids]

    by_id = Keyset(read=read, place_of=lambda solution: str(solution.pk), place=id_place)
    return page_by(by_id, query)


def how_many(rows: QuerySet[Model], of: str) -> Coalesce:
    """Count `rows` of an outer row, reached by their field `of`, in a query of their own.

    Joining and grouping instead would count every row of the list before its page is cut.
    """
    counted = rows.order_by().values(of).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)


def by_answer(solutions: Sequence[Solution]) -> list[tuple[str, list[Solution]]]:
    """Group solutions under titles by whether their answer is right; no group is empty."""
    titles = {True: _("Right answer"), False: _("Wrong answer"), None: _("Not graded")}
    groups = [
        (title, [solution for solution in solutions if solution.is_correct is known])
        for known, title in titles.items()
    ]
    return [(title, rows) for title, rows in groups if rows]


def newest_runs(project: Project, query: Any) -> Page[Run]:
    """Return a page of a project's runs, the newest first."""

    def read(place: int | None, backwards: bool, limit: int) -> list[Run]:
        found = Run.objects.filter(project=project)
        if backwards:
            return list(found.filter(pk__gt=place).order_by("pk")[:limit])
        earlier = found if place is None else found.filter(pk__lt=place)
        return list(earlier.order_by("-pk")[:limit])

    by_id = Keyset(read=read, place_of=lambda run: str(run.pk), place=id_place)
    return page_by(by_id, query)
