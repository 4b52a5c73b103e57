"""Everything that a reader may see of one solution."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from annotation.browsing import walk
from annotation.models import Annotation, Assignment, Lease, Project, Solution, Step
from annotation.reading import Mark, Place, covers_the_first_error, read, signs
from web.errors import BadAddress
from web.models import User
from web.pages import patience

NEIGHBOUR_PATIENCE_MS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One annotation in force, beside the others."""

    annotation: Annotation
    can_be_practice: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """What a correction took the place of."""

    annotation: Annotation
    marks: list[Mark]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A solution with the marks that one reader may see, side by side."""

    places: list[Place]
    columns: list[Column]
    of_the_whole: list[Annotation]
    """Annotations that mark no step: a score alone, say."""
    superseded: list[Superseded]


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """The solutions before and after one in a list; None where it ends."""

    previous: int | None = None
    next: int | None = None
    in_time: bool = True
    """False where looking for them took too long."""


def reading_of(solution: Solution, user: User, *, reads_marks: bool) -> Reading:
    """Return `solution` with the annotations that `user` may read.

    Who does not read everybody's marks is shown no step either that another labeler wrote.
    """
    visible = (
        Annotation.objects.visible_to(user)
        .filter(solution=solution)
        .select_related("labeler", "superseded_by")
        .prefetch_related(
            "labels__step", "positions", "critique_ratings__label__annotation__labeler"
        )
        .order_by("pk")
    )
    annotations = [one for one in visible if not hasattr(one, "superseded_by")]
    steps = list(solution.steps.all())
    marking = [one for one in annotations if one.labels.all() or one.finish_reason]
    if not reads_marks:
        written = {place.human_step_id for one in visible for place in one.positions.all()}
        human = Step.Writer.HUMAN
        steps = [s for s in steps if s.alternative == 0 or s.writer != human or s.pk in written]
    return Reading(
        places=read(steps, marking),
        columns=[
            Column(annotation=one, can_be_practice=covers_the_first_error(steps, one))
            for one in marking
        ],
        of_the_whole=[one for one in annotations if one not in marking],
        superseded=[
            Superseded(annotation=one, marks=signs(one))
            for one in visible
            if hasattr(one, "superseded_by")
        ],
    )


def neighbours(
    solution_id: int, asked: Mapping[str, Any] | None, project: Project, user: User
) -> Neighbours:
    """Return what is beside a solution in the list of what was `asked` (`browsing.walk`)."""
    if asked is None:
        return Neighbours()
    found = walk(asked, project, user)
    try:
        with patience(NEIGHBOUR_PATIENCE_MS):
            previous = found.ids(solution_id, backwards=True)
            following = found.ids(solution_id)
    except BadAddress:
        return Neighbours(in_time=False)
    return Neighbours(
        previous=previous[0] if previous else None, next=following[0] if following else None
    )


def holds(solution: Solution) -> QuerySet[Lease]:
    """Return who holds `solution` now."""
    return (
        Lease.objects.holding().filter(solution=solution).select_related("labeler").order_by("pk")
    )


def open_slots(solution: Solution) -> QuerySet[Assignment]:
    """Return the slots of `solution` that wait for people."""
    return Assignment.objects.open().for_people().filter(solution=solution).order_by("pk")
