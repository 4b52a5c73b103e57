"""What is asked of models, counted as it happens: it is spent whatever becomes of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from labelers.engines.base import Completion, DrawFailure
from labelers.trace import Cost

BYTES_A_TOKEN = 3
"""For texts whose tokens nobody counted. English prose has about four, mathematics fewer: an
estimate that is rather too high stops a budget in time."""


@dataclass(slots=True)
class Meter:
    """What was spent since it was set up."""

    cost: Cost = field(default_factory=Cost)


_meter: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextmanager
def metered() -> Iterator[Meter]:
    """Count what is spent in this thread until the block ends."""
    meter = Meter()
    before = _meter.set(meter)
    try:
        yield meter
    finally:
        _meter.reset(before)


def spend(cost: Cost) -> None:
    """Count `cost` on the meter, if one is set up."""
    meter = _meter.get()
    if meter is not None:
        meter.cost += cost


def drawing_cost(outcomes: Sequence[Completion | DrawFailure]) -> Cost:
    """Return what these draws cost.

    Where the server counted no tokens (0 read, or 0 for a text that is there), they are estimated
    by the length of the texts in UTF-8. A draw that failed is a call without tokens.
    """
    whole = Cost(calls=len(outcomes))
    for made in outcomes:
        if isinstance(made, Completion):
            whole += _tokens(made)
    return whole


def _tokens(made: Completion) -> Cost:
    said = bool(made.prompt_tokens) and bool(made.completion_tokens or not made.text)
    return Cost(
        prompt_tokens=made.prompt_tokens or _estimate(made.prompt_text),
        completion_tokens=made.completion_tokens or _estimate(made.text),
        estimated_calls=int(not said),
    )


def _estimate(text: str) -> int:
    return -(-len(text.encode(errors="replace")) // BYTES_A_TOKEN)
