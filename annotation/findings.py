"""What annotations say of a solution, and what is agreed, as plain values.

Everything turns on the first error: its zero-based position, -1 where there is none (as in
ProcessBench), None where an annotation does not say, as when somebody gave up.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

NO_ERROR = -1
Role = Literal["model", "person", "reviewer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one annotation says of a solution."""

    annotation: int
    role: Role
    first_error: int | None
    labeler: str = ""
    """The name of a model labeler."""
    confidence: float | None = None
    """From 0 to 1, how sure a model is of `first_error`; see `confidence`."""
    score: float | None = None
    """A model's score for the solution, from 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is known of one solution."""

    key: UUID
    """The same on every machine."""
    is_correct: bool | None = None
    verifier_score: float | None = None
    findings: Sequence[Finding] = ()
    silent: frozenset[str] = frozenset()
    """Model labelers that came to nothing, or that nobody waits for."""
    people: int = 0
    """For how many people there are slots, done or not."""

    def of(self, role: Role) -> list[Finding]:
        return [finding for finding in self.findings if finding.role == role]

    def by(self, labeler: str) -> Finding | None:
        """Return what a model labeler found."""
        return next((one for one in self.of("model") if one.labeler == labeler), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """A first error that is decided, by which rule, and the findings that were counted."""

    rule: str
    first_error: int
    counted: Sequence[Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One annotation's mark on one step."""

    rating: int
    score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepVerdict:
    position: int
    rating: int
    soft: float
    annotations: tuple[int, ...]


def confidence(
    first_error: int | None, *, at_error: float | None, lowest: float | None, whole: float | None
) -> float | None:
    """Return how sure a model is of its first error, from 0 to 1; None where it gives no score.

    Of an error: 1 minus its score of that step (`at_error`), or else 1 minus its score of the whole
    solution. Of there being none: its score of the whole solution, or else of its weakest step
    (`lowest`). All scores are higher for what is better.
    """
    if first_error is None:
        return None
    if first_error == NO_ERROR:
        return lowest if whole is None else whole
    score = whole if at_error is None else at_error
    return None if score is None else 1 - score


def majority(findings: Sequence[Finding], *, wanted: int = 0) -> int | None:
    """Return the first error that more than half name, None where there is none such.

    Half of those who say something or, while fewer than `wanted` have finished, of all that are to
    come. Whoever says nothing of it is not counted.
    """
    voices = Counter(one.first_error for one in findings if one.first_error is not None)
    silent = len(findings) - voices.total()
    for first_error, votes in voices.most_common(1):
        if 2 * votes > max(voices.total(), wanted - silent):
            return first_error
    return None


def step_verdicts(
    agreed: Agreed, labels: Mapping[int, Mapping[int, Label]]
) -> Iterator[StepVerdict]:
    """Yield what is decided of each step up to the first error, in order.

    `labels` has the rated steps of each annotation, by annotation and position. Before the error a
    step is +1 where more than half of those who agree on the error say so, else 0: nobody of them
    finds it wrong. A step that none of them rated is left out. `soft` is the mean over all that
    were counted and rated the step: a score where there is one, else 1 for 0 and +1 and 0 for -1.
    """
    agreeing = [one for one in agreed.counted if one.first_error == agreed.first_error]
    positions = {place for one in agreeing for place in labels.get(one.annotation, {})}
    for position in sorted(positions):
        if agreed.first_error != NO_ERROR and position > agreed.first_error:
            return
        said = [
            (one.annotation, labels[one.annotation][position])
            for one in agreed.counted
            if position in labels.get(one.annotation, {})
        ]
        ratings = [
            labels[one.annotation][position].rating
            for one in agreeing
            if position in labels.get(one.annotation, {})
        ]
        is_great = 2 * ratings.count(1) > len(ratings)
        yield StepVerdict(
            position=position,
            rating=-1 if position == agreed.first_error else int(is_great),
            soft=sum(_value(label) for _, label in said) / len(said),
            annotations=tuple(sorted(annotation for annotation, _ in said)),
        )


def _value(label: Label) -> float:
    return float(label.rating >= 0) if label.score is None else label.score
