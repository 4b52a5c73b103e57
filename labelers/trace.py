"""What a judge sees and what it says, as plain values: no tables, queues or datasets."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
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
    prefixes: tuple[str, ...] = ()
    """The solution's text up to the end of each step, as its writer wrote it; see `prefix`."""

    def prefix(self, steps: int) -> str:
        """Return the solution's text up to the end of its first `steps` steps.

        Where the text is not known, as of an imported solution, it is the steps, a line each.
        """
        if steps == 0:
            return ""
        if self.prefixes:
            return self.prefixes[steps - 1]
        return "\n".join(self.steps[:steps])


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a judge asked of an engine for one solution."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated_calls: int = 0
    """Of the calls, those of which the server did not count the tokens: see `drawing_cost`."""

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(**{name: getattr(self, name) + getattr(other, name) for name in COUNTS})

    def at_least(self, other: "Cost") -> "Cost":
        """Return, of each count, the greater one."""
        return Cost(**{name: max(getattr(self, name), getattr(other, name)) for name in COUNTS})


COUNTS = tuple(one.name for one in fields(Cost))


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
    cost: Cost = field(default_factory=Cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unjudged:
    """A solution on which a judge came to nothing, and why, in words for who runs it."""

    reason: str
    transient: bool = False
    """Whether the same solution may be judged later (a busy or unreachable server)."""
    retry_after_s: float | None = None
    """Set where a rate limit refused it, as in the engine's DrawFailure: the run slows down."""
    stops_run: bool = False
    """As in the engine's DrawFailure: no other solution can be judged either."""
    cost: Cost = field(default_factory=Cost)
