"""What a judge sees and what it says, as plain values: no tables, queues or datasets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Rating = Literal[-1, 0, 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One solution, as text, with what is known of its problem."""

    problem: str
    reference_answer: str | None
    steps: tuple[str, ...]
    final_answer: str | None
    answer_counts: Mapping[str, int] = field(default_factory=dict)
    """Final answers of the problem's other solutions, and how many gave each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepJudgement:
    """A judge's mark on one step. `rating` None means "not rated", never "neutral"."""

    rating: Rating | None = None
    score: float | None = None
    """Between 0 and 1, higher is better."""
    probabilities: Mapping[str, float] | None = None
    """Class probabilities, keyed "-1", "0" and "1"."""
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A judge's word on one solution.

    `steps` has one entry for each step judged, in order, and may be shorter than the
    solution: what follows is not labelled. A judge that marks no steps leaves it empty.
    """

    steps: tuple[StepJudgement, ...] = ()
    score: float | None = None
    """Solution-level score between 0 and 1; None where the judge cannot tell."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """What the judge based itself on: JSON values only."""
