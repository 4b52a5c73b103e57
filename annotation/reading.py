"""A solution as it is read: position by position, each step with what was said of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from annotation.models import Annotation, Solution, Step, StepLabel

# A mark differs by word and sign as well as by colour, which is its tone.
MARKS: dict[int | None, tuple[str, str, str | Promise]] = {
    1: ("great", "✓", _("Great")),
    0: ("okay", "–", _("Okay")),
    -1: ("bad", "✕", _("Bad")),
    None: ("none", "○", _("Not rated")),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """What one annotation said of one step; without a label it said nothing."""

    annotation: Annotation
    label: StepLabel | None

    @property
    def tone(self) -> str:
        return MARKS[self.label.rating][0] if self.label else "absent"

    @property
    def sign(self) -> str:
        return MARKS[self.label.rating][1] if self.label else ""

    @property
    def word(self) -> str | Promise:
        return MARKS[self.label.rating][2] if self.label else _("Not labelled")


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


def read(solution: Solution, annotations: Sequence[Annotation]) -> list[Place]:
    """Return the places of `solution`, in order, with the marks of `annotations`.

    Steps, and the labels and positions of the annotations, should be prefetched. An own step
    shows also who did not label it; an annotation that marks no step at all shows nowhere.
    """
    marking = [one for one in annotations if one.labels.all()]
    labels = {
        (label.annotation_id, label.step_id): label for a in marking for label in a.labels.all()
    }
    chosen = {place.chosen_id for one in annotations for place in one.positions.all()}
    steps = sorted(solution.steps.all(), key=lambda step: (step.position, step.alternative))
    places = []
    for position, here in groupby(steps, key=lambda step: step.position):
        place = Place(position)
        for step in here:
            is_own = step.alternative == 0
            marks = [Mark(one, labels.get((one.pk, step.pk))) for one in marking]
            said = any(mark.label for mark in marks)
            shown = [mark for mark in marks if mark.label or (is_own and said)]
            candidate = Candidate(step, shown, step.pk in chosen)
            if is_own:
                place.own = candidate
            else:
                place.alternatives.append(candidate)
        places.append(place)
    return places
