"""A solution as it is read: position by position, each step with what was said of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from annotation.models import Annotation, Step, StepLabel

# A mark differs by word and sign as well as by colour, which is its tone.
MARKS: dict[int | None, tuple[str, str, str | Promise]] = {
    1: ("great", "✓", _("Great")),
    0: ("okay", "–", _("Okay")),
    -1: ("bad", "✕", _("Bad")),
    None: ("none", "○", _("Not rated")),
}
UNSURE = ("unsure", "?", _("Unsure"))
ABSENT = ("absent", "·", _("Not labelled"))

REASONS: list[tuple[str, str | Promise]] = [
    ("found_error", _("found an error")),
    ("solution", _("solved")),
    ("give_up", _("gave up")),
    ("bad_problem", _("bad problem")),
]


@dataclass(frozen=True, slots=True)
class Mark:
    """What one annotation said of one step; without a label it said nothing."""

    annotation: Annotation
    label: StepLabel | None
    is_split_badly: bool = False

    @property
    def tone(self) -> str:
        return self._look[0]

    @property
    def sign(self) -> str:
        return self._look[1]

    @property
    def word(self) -> str | Promise:
        return self._look[2]

    @property
    def _look(self) -> tuple[str, str, str | Promise]:
        if self.label is None:
            return ABSENT
        if self.label.rating is None and self.label.flagged:
            return UNSURE
        return MARKS[self.label.rating]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A step, or another candidate for its position."""

    step: Step
    marks: list[Mark]
    chosen: bool

    @property
    def tone(self) -> str:
        """The tone that all marks share, "mixed" where they differ, "" where there is none."""
        tones = {mark.tone for mark in self.marks if mark.label and mark.label.rating is not None}
        return "mixed" if len(tones) > 1 else next(iter(tones), "")

    @property
    def comments(self) -> list[Mark]:
        return [mark for mark in self.marks if mark.label and mark.label.comment]


@dataclass(slots=True)
class Place:
    """One position: the solution's own step, if it has one there, and the others."""

    position: int
    own: Candidate | None = None
    alternatives: list[Candidate] = field(default_factory=list)


def read(steps: Iterable[Step], annotations: Sequence[Annotation]) -> list[Place]:
    """Return the places of a solution, in order, from all its `steps` and its `annotations`.

    An own step has a mark for each of the annotations, in their order, though it be none; another
    candidate has those that were made. Labels and positions should be prefetched.
    """
    labels = {
        (label.annotation_id, label.step_id): label for a in annotations for label in a.labels.all()
    }
    chosen = {place.chosen_id for one in annotations for place in one.positions.all()}

    def candidate(step: Step) -> Candidate:
        is_own = step.alternative == 0
        marks = [
            Mark(one, labels.get((one.pk, step.pk)), is_own and step.position in one.bad_splits)
            for one in annotations
        ]
        shown = marks if is_own else [mark for mark in marks if mark.label]
        return Candidate(step, shown, step.pk in chosen)

    places = []
    ordered = sorted(steps, key=lambda step: (step.position, step.alternative))
    for position, here in groupby(ordered, key=lambda step: step.position):
        candidates = [candidate(step) for step in here]
        own = candidates.pop(0) if candidates[0].step.alternative == 0 else None
        places.append(Place(position, own, candidates))
    return places


def signs(annotation: Annotation) -> list[Mark]:
    """Return one mark a position, in order: that of the step with which the solution goes on,
    else of its own step, else of the first candidate. Labels, their steps and the positions
    should be prefetched.
    """
    chosen = {place.chosen_id for place in annotation.positions.all()}
    labels = sorted(
        annotation.labels.all(),
        key=lambda label: (
            label.step.position,
            label.step_id not in chosen,
            label.step.alternative,
        ),
    )
    by_position = groupby(labels, key=lambda label: label.step.position)
    return [
        Mark(annotation, next(here), position in annotation.bad_splits)
        for position, here in by_position
    ]


def covers_the_first_error(steps: Iterable[Step], annotation: Annotation) -> bool:
    """Whether `annotation` rates every own step up to the first Bad, or all where none is Bad."""
    ratings = {label.step_id: label.rating for label in annotation.labels.all()}
    own = sorted((s for s in steps if s.alternative == 0), key=lambda step: step.position)
    for step in own:
        rating = ratings.get(step.pk)
        if rating is None:
            return False
        if rating == -1:
            return True
    return bool(own)
