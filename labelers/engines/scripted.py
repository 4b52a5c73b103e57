"""An engine that needs nothing: canned texts, or small solutions made up from the prompt."""

import random
import re
import time
from collections.abc import Sequence

from labelers.engines.base import (
    Completion,
    Decoding,
    Draw,
    DrawFailure,
    Engine,
    before_stop,
    storable,
)

WORD = re.compile(r"\s*\S+")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
MAX_NUMBER_LENGTH = 15


class ScriptedEngine(Engine):
    """Answers from `texts` (draw by draw, by seed), or makes up a solution from prompt and seed.

    A token is a word. `fail_every` 3 lets every third draw fail as a busy server would;
    `delay_s` is the time that one draw takes.
    """

    name = "scripted"

    def __init__(
        self,
        *,
        model: str = "scripted",
        texts: Sequence[str] = (),
        fail_every: int = 0,
        delay_s: float = 0.0,
    ) -> None:
        self.model = model
        self.texts = tuple(texts)
        self.fail_every = fail_every
        self.delay_s = delay_s
        self._drawn = 0

    def generate(self, draws: Sequence[Draw], decoding: Decoding) -> list[Completion | DrawFailure]:
        return [self._draw(draw, decoding) for draw in draws]

    def _draw(self, draw: Draw, decoding: Decoding) -> Completion | DrawFailure:
        time.sleep(self.delay_s)
        self._drawn += 1
        if self.fail_every and self._drawn % self.fail_every == 0:
            return DrawFailure(reason=f"scripted failure of draw {self._drawn}", transient=True)
        seed = draw.seed if decoding.temperature else 0
        script = self.texts[seed % len(self.texts)] if self.texts else solve(draw.prompt, seed)
        return _completion(draw, _continuation(script, draw.prefix), decoding)


def solve(prompt: str, seed: int) -> str:
    """Return a plausible solution in several lines, the same for the same prompt and seed.

    It calculates with the numbers of the prompt's last problem, with a slip in one of four
    solutions, and ends in the form that the prompt asks for.
    """
    rng = random.Random(f"{seed}:{prompt}")  # noqa: S311 (plausible, not secret)
    problem = prompt.rpartition("Problem:")[2]
    found = [text for text in NUMBER.findall(problem) if len(text) <= MAX_NUMBER_LENGTH]
    numbers = [int(float(text)) for text in found[:4]] or [1, 2]
    total = numbers[0]
    lines = [f"We start with {total}."]
    slip = rng.randrange(1, len(numbers)) if len(numbers) > 1 and rng.random() < 0.25 else None
    for index, number in enumerate(numbers[1:], start=1):
        sign = rng.choice("+-*")
        exact = {"+": total + number, "-": total - number, "*": total * number}[sign]
        outcome = exact + (rng.choice((-1, 1)) if index == slip else 0)
        lines.append(f"Then {total} {sign} {number} = {outcome}.")
        total = outcome
    ending = f"# Answer\n\n{total}" if "# Answer" in prompt else f"The answer is {total}."
    return "\n".join(lines) + "\n\n" + ending


def _continuation(script: str, prefix: str) -> str:
    """Return what follows `prefix` in the script, or the lines after as many as it has."""
    if script.startswith(prefix):
        return script[len(prefix) :]
    written = sum(1 for line in prefix.splitlines() if line.strip())
    rest = "\n".join(script.split("\n")[written:]) or script.rpartition("\n")[2]
    return rest if prefix[-1].isspace() else "\n" + rest


def _completion(draw: Draw, text: str, decoding: Decoding) -> Completion:
    words = WORD.findall(before_stop(text, decoding.stop))
    kept = words[: decoding.max_tokens]
    return Completion(
        text=storable("".join(kept)),
        prompt_text=draw.prompt + draw.prefix,
        prompt_tokens=len(WORD.findall(draw.prompt + draw.prefix)),
        completion_tokens=len(kept),
        finish_reason="length" if len(kept) < len(words) else "stop",
    )
