"""The judge family: a batch of traces in, as many judgements out."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from labelers.engines import get_engine
from labelers.engines.base import Completion, Decoding, Draw, DrawFailure, Engine
from labelers.spending import drawing_cost, spend
from labelers.trace import Cost, Judgement, Trace, Unjudged

ENGINE: Mapping[str, Any] = {
    "engine": {"type": "string", "description": "Name of the engine that writes the texts."},
    "engine_config": {"type": "object", "description": "What the engine is constructed with."},
}
"""The settings of a judge that needs an engine."""


class Judge(ABC):
    """Marks solutions. Constructed with the keyword arguments of its labeler's configuration.

    `settings` describes them: a JSON Schema for each, which `registration.make_judge` checks
    before the constructor sees them, and `required` names those that have no default.
    """

    name: ClassVar[str]
    needs_reference_answer: ClassVar[bool] = False
    needs_engine: ClassVar[bool] = False
    """True when it is configured with `engine` and `engine_config` (see ENGINE)."""
    settings: ClassVar[Mapping[str, Any]] = {}
    required: ClassVar[Sequence[str]] = ()
    batch_size: ClassVar[int] = 100
    """How many traces one call is best given."""

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Return the JSON Schema of the judge's whole configuration."""
        return {
            "type": "object",
            "properties": dict(cls.settings),
            "required": list(cls.required),
            "additionalProperties": False,
        }

    @classmethod
    def needs_own_worker(cls, config: Mapping[str, Any]) -> bool:
        """Whether its model lives in the process: its work has a queue and a process of its own."""
        return cls.needs_engine and get_engine(config["engine"]).needs_own_worker

    @abstractmethod
    def judge(self, traces: Sequence[Trace]) -> Sequence[Judgement | Unjudged]:
        """Judge each trace; the answer has the length and order of `traces`."""


def draw(
    engine: Engine, draws: Sequence[Draw], decoding: Decoding
) -> list[Completion | DrawFailure]:
    """Have `engine` draw, and note what that cost: it is spent even if the judge breaks on it."""
    drawn = engine.generate(draws, decoding)
    spend(drawing_cost(drawn))
    return drawn


def worst(failures: Iterable[DrawFailure]) -> DrawFailure:
    """Return the failure that says what becomes of the whole: one that stops the run, else one
    for good, else a rate limit, by which the run slows down."""
    return min(
        failures, key=lambda one: (not one.stops_run, one.transient, one.retry_after_s is None)
    )


def unjudged(failure: DrawFailure, *, cost: Cost | None = None) -> Unjudged:
    """Return what a draw that came to nothing makes of its solution."""
    return Unjudged(
        reason=failure.reason,
        transient=failure.transient,
        retry_after_s=failure.retry_after_s,
        stops_run=failure.stops_run,
        cost=cost or Cost(),
    )
