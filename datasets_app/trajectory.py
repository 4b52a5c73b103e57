"""The path that a labeler followed through the candidates of a solution.

PRM800K knows four states of a position: a candidate was chosen; a person wrote the step; nothing
was chosen and a candidate is rated -1, which is the error that ended the work; anything else is
the unfinished stub of a solution that was given up. (The one-line reconstruction in PRM800K's
README goes wrong on the last three.)
"""

from dataclasses import dataclass
from typing import Literal

from datasets_app.records import AnnotationRecord, CandidateRecord
from labelers.trace import Rating


@dataclass(frozen=True, slots=True, kw_only=True)
class PathStep:
    text: str
    rating: Rating | None
    """+1 for a step that a person wrote."""
    source: Literal["model", "human"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """The steps taken, each judged on those before it, and the error that ended them, if any."""

    steps: tuple[PathStep, ...]
    error: PathStep | None


def trajectory(record: AnnotationRecord) -> Trajectory:
    """Return the labelled path of a solution; what stands behind its end was never judged on it."""
    steps: list[PathStep] = []
    for position in record.positions:
        candidates = position.candidates or ()
        if position.chosen is not None:
            steps.append(_by_model(candidates[position.chosen]))
        elif position.human is not None:
            steps.append(PathStep(text=position.human.text, rating=1, source="human"))
        else:
            # The first candidate is the step of the solution itself, the others alternatives.
            is_error = any(candidate.rating == -1 for candidate in candidates)
            error = _by_model(candidates[0]) if is_error else None
            return Trajectory(steps=tuple(steps), error=error)
    return Trajectory(steps=tuple(steps), error=None)


def _by_model(candidate: CandidateRecord) -> PathStep:
    return PathStep(text=candidate.text, rating=candidate.rating, source="model")
