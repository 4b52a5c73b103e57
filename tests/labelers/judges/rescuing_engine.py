"""An engine that reaches the answer as often as the last step before it says: `[3]` three times."""

import re
from collections import Counter
from collections.abc import Sequence

from labelers.engines.base import Completion, Decoding, Draw, DrawFailure, Engine
from labelers.trace import Trace

RIGHT, WRONG = "12", "13"
HITS = re.compile(r"\[(\d+)\]")


class RescuingEngine(Engine):
    """`[busy]` in a prefix is a transient failure, `[refused]` one for good.

    Of the continuations of one prefix in one call the first are right.
    """

    name = "rescuing"

    def __init__(self) -> None:
        self.calls: list[list[Draw]] = []

    @property
    def draws(self) -> list[Draw]:
        return [draw for call in self.calls for draw in call]

    def generate(self, draws: Sequence[Draw], decoding: Decoding) -> list[Completion | DrawFailure]:
        self.calls.append(list(draws))
        seen: Counter[tuple[str, str]] = Counter()
        drawn: list[Completion | DrawFailure] = []
        for draw in draws:
            drawn.append(self._draw(draw, seen[draw.prompt, draw.prefix]))
            seen[draw.prompt, draw.prefix] += 1
        return drawn

    def _draw(self, draw: Draw, index: int) -> Completion | DrawFailure:
        for mark in ("busy", "refused"):
            if f"[{mark}]" in draw.prefix:
                return DrawFailure(reason=f"the server is {mark}", transient=mark == "busy")
        hits = int(HITS.findall(draw.prefix)[-1])
        return Completion(
            text=f"\nThe answer is {RIGHT if index < hits else WRONG}.",
            prompt_text=draw.prompt + draw.prefix,
            prompt_tokens=10,
            completion_tokens=5,
            finish_reason="stop",
        )


def trace_of(
    *hits: object, answer: str | None = None, problem: str = "?", reference: str | None = RIGHT
) -> Trace:
    """Return a solution with a step for each of `hits`, which states `answer`."""
    return Trace(
        problem=problem,
        reference_answer=reference,
        steps=tuple(f"Step {number} [{count}]" for number, count in enumerate(hits, start=1)),
        final_answer=answer,
    )
