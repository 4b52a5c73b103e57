"""What a project has come to, in numbers and bars for its first page."""

from dataclasses import dataclass

from django.db.models import Count, Q, Sum
from django.utils.translation import gettext_lazy as _

from annotation.models import Annotation, Assignment, Problem, Project, Solution, StepLabel
from annotation.models.marks import AnnotationQuerySet
from annotation.reading import MARKS
from web.bars import Bar, bar
from web.models import User

SOLUTIONS = Count("pk")
RIGHT = Count("pk", filter=Q(is_correct=True))
WRONG = Count("pk", filter=Q(is_correct=False))
MOST_WRITERS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """How many problems, solutions and marked solutions there are, each less than the last."""

    problems: int
    solutions: int
    drawn: int
    """Solutions counted as often as they were drawn."""
    right: int
    wrong: int
    marked: int
    waiting: int
    """Slots of work that nobody has done."""

    @property
    def answers(self) -> Bar:
        return answer_bar(self.solutions, self.right, self.wrong)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """One way of writing solutions: an engine, a model and a prompt."""

    engine: str
    model: str
    prompt_name: str
    solutions: int
    answers: Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """How one labeler's marks are spread."""

    labeler: str
    is_model: bool
    solutions: int
    marks: Bar


def funnel(project: Project) -> Funnel:
    of_solutions = project.solutions.aggregate(
        solutions=SOLUTIONS, drawn=Sum("times_drawn", default=0), right=RIGHT, wrong=WRONG
    )
    marked = project.annotations.in_force().values("solution").distinct().count()
    return Funnel(
        problems=project.problems.count(),
        marked=marked,
        waiting=Assignment.objects.open().filter(project=project).count(),
        **of_solutions,
    )


def problem_answers(problem: Problem) -> Bar:
    counts = problem.solutions.aggregate(solutions=SOLUTIONS, right=RIGHT, wrong=WRONG)
    return answer_bar(**counts)


def writers(project: Project) -> list[Writer]:
    """Return the project's writers, those with most solutions first, at most 20."""
    rows = (
        Solution.objects.filter(project=project)
        .values("engine", "model", "prompt_name")
        .annotate(solutions=SOLUTIONS, right=RIGHT, wrong=WRONG)
        .order_by("-solutions", "engine", "model", "prompt_name")
    )
    return [
        Writer(
            engine=row["engine"],
            model=row["model"],
            prompt_name=row["prompt_name"],
            solutions=row["solutions"],
            answers=answer_bar(row["solutions"], row["right"], row["wrong"]),
        )
        for row in rows[:MOST_WRITERS]
    ]


def balances(project: Project, user: User) -> list[Balance]:
    """Return how the marks that `user` may read are spread, labeler by labeler."""
    annotations = visible_annotations(project, user)
    labels = StepLabel.objects.filter(annotation__in=annotations)
    spread = labels.values_list("annotation__labeler", "rating").annotate(n=Count("pk"))
    counts = {(labeler, rating): n for labeler, rating, n in spread}
    rows = (
        annotations.values("labeler", "labeler__name", "labeler__kind")
        .annotate(solutions=Count("pk"))
        .order_by("labeler__kind", "labeler__name", "labeler")
    )
    return [
        Balance(
            labeler=row["labeler__name"],
            is_model=row["labeler__kind"] == "model",
            solutions=row["solutions"],
            marks=bar(
                (tone, word, counts.get((row["labeler"], rating), 0))
                for rating, (tone, _sign, word) in MARKS.items()
            ),
        )
        for row in rows
    ]


def visible_annotations(project: Project, user: User) -> AnnotationQuerySet:
    return Annotation.objects.visible_to(user).filter(project=project).in_force()


def answer_bar(solutions: int, right: int, wrong: int) -> Bar:
    unknown = solutions - right - wrong
    return bar(
        [
            ("great", _("right answer"), right),
            ("bad", _("wrong answer"), wrong),
            ("none", _("not graded"), unknown),
        ]
    )
