"""What a project has come to, in numbers and bars for its first page.

A number that takes too long to count is None: the rest of the page is not kept waiting for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TypeVar

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from annotation.building import begun, not_begun
from annotation.models import Annotation, Assignment, Lease, Problem, Project, StepLabel
from annotation.models.marks import AnnotationQuerySet
from labelers.models import Labeler
from web.bars import Bar, bar
from web.errors import BadAddress
from web.models import User
from web.pages import patience
from web.plots import Plot, columns

Counted = TypeVar("Counted")

SOLUTIONS = Count("pk")
RIGHT = Count("pk", filter=Q(is_correct=True))
WRONG = Count("pk", filter=Q(is_correct=False))
MOST_WRITERS = 20
DAYS = 14
LONGEST_COUNT_MS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """How far the problems and solutions of a project have come."""

    problems: int
    solutions: int
    waiting: int
    """Slots of work that nobody has begun."""
    in_work: int
    """Solutions in somebody's hands now, those claimed ahead left out."""
    marked: int
    """Solutions that a person has finished, here or before they were imported."""
    marked_by_models: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """One way of writing solutions: an engine, a model and a prompt."""

    engine: str
    model: str
    prompt_name: str
    solutions: int
    answers: Bar
    is_graded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the final answers are worth, altogether and by writer."""

    whole: Bar
    drawn: int
    """Solutions counted as often as they were drawn."""
    writers: list[Writer]
    """Those with most solutions first, at most 20."""


def in_time(count: Callable[[], Counted]) -> Counted | None:
    """Return what `count` finds, None where it takes longer than two seconds."""
    try:
        with patience(LONGEST_COUNT_MS):
            return count()
    except BadAddress:
        return None


def funnel(project: Project) -> Funnel:
    """Count what indexes alone can tell, so that a million solutions take well under a second."""
    ahead = Q(began_at=None)
    # An annotation that a correction supersedes is of the same labeler: no need to ask.
    annotations = Annotation.objects.filter(project=project)
    # By their ids, which are in the index; models are few, people many.
    models = list(Labeler.objects.machines().values_list("pk", flat=True))
    by_people = annotations.exclude(labeler__in=models).filter(solution=OuterRef("pk"))
    by_models = annotations.filter(labeler__in=models)
    held = Lease.objects.open().filter(project=project, corrects=None)
    counts = held.aggregate(ahead=Count("pk", filter=ahead), in_work=Count("pk", filter=~ahead))
    return Funnel(
        problems=project.problems.count(),
        solutions=begun(project).count(),
        waiting=Assignment.objects.open().filter(project=project).count() + counts["ahead"],
        in_work=counts["in_work"],
        marked=project.solutions.filter(Exists(by_people)).count(),
        marked_by_models=by_models.values("solution").distinct().count(),
    )


def to_review(project: Project, user: User) -> int | None:
    """Return how many solutions wait for a reviewer, None for who is none or where none can."""
    if not project.is_routed or not Project.objects.reviewed_by(user).contains(project):
        return None
    return Assignment.objects.open().for_review().filter(project=project).count()


def problem_answers(problem: Problem) -> Bar:
    solutions = problem.solutions.exclude(not_begun())
    counts = solutions.aggregate(solutions=SOLUTIONS, right=RIGHT, wrong=WRONG)
    return answer_bar(**counts)


def answers(project: Project) -> Answers:
    rows = (
        begun(project)
        .values("engine", "model", "prompt_name")
        .annotate(solutions=SOLUTIONS, right=RIGHT, wrong=WRONG, drawn=Sum("times_drawn"))
        .order_by("-solutions", "engine", "model", "prompt_name")
    )
    found = list(rows)
    solutions, right, wrong, drawn = (
        sum(row[name] for row in found) for name in ("solutions", "right", "wrong", "drawn")
    )
    writers = [
        Writer(
            engine=row["engine"],
            model=row["model"],
            prompt_name=row["prompt_name"],
            solutions=row["solutions"],
            answers=answer_bar(row["solutions"], row["right"], row["wrong"]),
            is_graded=bool(row["right"] or row["wrong"]),
        )
        for row in found[:MOST_WRITERS]
    ]
    return Answers(whole=answer_bar(solutions, right, wrong), drawn=drawn, writers=writers)


def throughput(project: Project, user: User) -> Plot:
    """Return the steps marked on each of the last 14 days, of which `user` may read the marks.

    A day is one of the current time zone. Corrected work counts once, on the day of its last
    correction.
    """
    today = timezone.localdate()
    days = [today - timedelta(days=DAYS - 1 - n) for n in range(DAYS)]
    recent = visible_annotations(project, user).filter(submitted_at__gte=midnight(days[0]))
    rows = (
        marked_labels(recent)
        .annotate(day=TruncDate("annotation__submitted_at"), kind=F("annotation__labeler__kind"))
        .values_list("day", "kind")
        .annotate(n=Count("pk"))
    )
    counts = {(day, kind): n for day, kind, n in rows.order_by()}
    return columns(
        days,
        [
            ("person", _("by people"), [counts.get((day, "person"), 0) for day in days]),
            ("model", _("by models"), [counts.get((day, "model"), 0) for day in days]),
        ],
    )


def midnight(day: date) -> datetime:
    """Return when `day` begins in the current time zone."""
    return timezone.make_aware(datetime.combine(day, time.min))


def visible_annotations(project: Project, user: User) -> AnnotationQuerySet:
    return Annotation.objects.visible_to(user).filter(project=project).in_force()


MARKED = Q(rating__isnull=False) | Q(flagged=True)
"""A label that says something; imported records list steps without saying anything of them."""


def marked_labels(annotations: AnnotationQuerySet) -> QuerySet[StepLabel]:
    return StepLabel.objects.filter(MARKED, annotation__in=annotations)


def answer_bar(solutions: int, right: int, wrong: int) -> Bar:
    unknown = solutions - right - wrong
    return bar(
        [
            ("great", _("right answer"), right),
            ("bad", _("wrong answer"), wrong),
            ("none", _("not graded"), unknown),
        ]
    )
