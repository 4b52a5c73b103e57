"""What importers make and exporters take: plain values, no tables.

`datasets_app/prm800k.py` turns an AnnotationRecord into PRM800K's JSON and back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from labelers.trace import Rating

FinishReason = Literal["found_error", "solution", "bad_problem", "give_up"]


class BadRecord(ValueError):
    """A JSON object that is not a record of its format: which field, and what is wrong with it."""

    def __init__(self, field_path: str, reason: str, line: int = 0):
        super().__init__(f"{field_path}: {reason}")
        self.line = line
        """Place, from 0, of the bad line among those that make one record."""
        self.field_path = field_path
        """Such as `label.steps.2.completions.0.rating`."""
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemRecord:
    """A problem as a source states it; empty text where the source says nothing."""

    text: str
    reference_answer: str | None = None
    reference_solution: str | None = None
    source: str = ""
    split: str = ""
    subject: str = ""
    level: str = ""
    external_id: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SolutionRecord:
    """A ready-made solution.

    `problem` is the problem, or the external id of one that the project has already. Where the
    source gave `steps`, `text` is these, a line each.
    """

    problem: ProblemRecord | str
    text: str
    steps: tuple[str, ...] | None = None
    final_answer: str | None = None
    """As the source states it beside the text; None where it has to be found in the text."""
    engine: str = "import"
    model: str = ""
    prompt: str = ""
    verifier_score: float | None = None
    claimed_correct: bool | None = None
    """What the source says of the final answer; Stepmark grades it for itself."""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateRecord:
    """One text offered for a position, or the step that a person wrote there."""

    text: str
    rating: Rating | None
    """None is "not rated", never neutral."""
    flagged: bool | None
    """None where the control was not offered."""
    soft: float | None = None
    """How right it is, from 0 to 1, where the source says so."""
    probabilities: tuple[float, float, float] | None = None
    """P(-1), P(0), P(+1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRecord:
    """One labelled position of a solution; `datasets_app/path.py` tells its four states."""

    candidates: tuple[CandidateRecord, ...] | None
    """None where none were listed."""
    human: CandidateRecord | None = None
    chosen: int | None = None
    """Index into `candidates`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreGenerated:
    """The whole sampled solution that a phase-2 labeler was shown, unlabelled steps included."""

    steps: tuple[str, ...]
    answer: str | None
    verifier_score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationRecord:
    """One labeler's work on one solution.

    `shape` remembers only how an imported record was spelt; `datasets_app/shape.py` says how.
    """

    labeler: UUID
    timestamp: datetime
    """Naive: the source names no time zone."""
    generation: int | None
    """Round of active selection; None in phase 1, -1 in the screening set."""
    is_quality_control: bool
    is_screening: bool
    problem: ProblemRecord
    pre_generated: PreGenerated | None
    """None in phase 1, where the labeler built the solution."""
    positions: tuple[PositionRecord, ...]
    total_time_ms: int | None
    finish_reason: FinishReason | None
    shape: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelerRecord:
    """Who marked what a source brings. Whoever is not known to be a person is a model."""

    name: str
    person: UUID | None = None
    """The public UUID of a person; None of a model, which goes by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedRecord:
    """A ready-made solution with the marks of one labeler, of any format but PRM800K."""

    problem: ProblemRecord
    solution: SolutionRecord
    """With its `steps`, of which `positions` are the first, and the same problem."""
    labeler: LabelerRecord | None
    """None where nobody marked it: there are no positions then."""
    positions: tuple[PositionRecord, ...]
    human: tuple[int, ...] = ()
    """Positions of the solution's own steps that a person wrote."""
    finish_reason: FinishReason | None = None
    timestamp: datetime | None = None
    """When it was marked, in UTC without saying so; None where the source does not tell."""
    evidence: Mapping[str, Any] = field(default_factory=dict)


Record = ProblemRecord | SolutionRecord | AnnotationRecord | MarkedRecord
