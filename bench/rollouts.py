"""Continuations a second of the local engine, against reading every one's prefix anew.

Both draw as many continuations from each prefix of one solution, of the same number of tokens, with
the same model and loop in batches of the same size. The engine is asked as the judge `rollouts`
asks it; the reference reads, for each continuation, the whole text that it follows. A continuation
has about as many tokens as SmolLM2 writes with this prompt (docs/engines.md): the longer it is, the
less it matters what reading the prefix took.
"""

import time
from collections.abc import Sequence
from typing import Any

from labelers.engines.base import Completion, Decoding, Draw, DrawFailure
from labelers.engines.local import LocalEngine
from labelers.prompts import get_prompt

ROLLOUTS = 8
BATCH_SIZE = 8
TOKENS = 48
PROMPT = "few_shot_cot"
GREEDY_TOKENS = 8
LIMIT = 2.0

PROBLEM = (
    "A bakery bakes 12 trays of 24 rolls each morning. It sells 5 dozen rolls before nine, a third "
    "of what is left before noon and 40 in the afternoon. Rolls cost 50 cents before noon and 30 "
    "cents after it. The rest is given away. Flour and wages cost 60 dollars a day. How much does "
    "the bakery earn in a week of 6 days?"
)
STEPS = (
    "The bakery bakes 12 trays of 24 rolls, which is 12 * 24 = 288 rolls each morning.",
    "It sells 5 dozen rolls before nine, which is 5 * 12 = 60 rolls.",
    "After that there are 288 - 60 = 228 rolls left in the bakery.",
    "A third of these rolls is sold before noon, which is 228 / 3 = 76 rolls.",
    "So before noon the bakery has sold 60 + 76 = 136 rolls in all.",
    "Each of them costs 50 cents, so they bring in 136 * 0.50 = 68 dollars.",
    "In the afternoon it sells 40 rolls more, and each of them costs 30 cents.",
    "These 40 rolls bring in another 40 * 0.30 = 12 dollars for the bakery.",
    "Altogether the bakery takes in 68 + 12 = 80 dollars on each of the days.",
    "Flour and wages cost 60 dollars a day, so 80 - 60 = 20 dollars are left.",
    "In a week of 6 days the bakery therefore earns 6 * 20 = 120 dollars.",
    "The answer is 120 dollars.",
)


def measure() -> dict[str, Any]:
    """Return name, measured, reference (continuations a second), ratio and its lower limit."""
    engine = LocalEngine(model="smollm2", batch_size=BATCH_SIZE, chat=False)
    # No text ends early: what differs in length cannot be compared.
    engine._model.end_ids = set()
    prompt = get_prompt(PROMPT).render(PROBLEM)
    prefixes = ["\n".join(STEPS[:count]) for count in range(1, len(STEPS) + 1)]
    decoding = Decoding(max_tokens=TOKENS, stop=("\nNo text has this line",))
    draws = [
        Draw(prompt=prompt, prefix=prefix, seed=place * ROLLOUTS + index)
        for place, prefix in enumerate(prefixes)
        for index in range(ROLLOUTS)
    ]
    check_greedy(engine, draws[::ROLLOUTS])
    began = time.perf_counter()
    drawn = engine.generate(draws, decoding)
    measured_s = time.perf_counter() - began
    began = time.perf_counter()
    drawn += _draw_anew(engine, draws, decoding)
    reference_s = time.perf_counter() - began
    if any(isinstance(one, DrawFailure) or one.completion_tokens != TOKENS for one in drawn):
        raise RuntimeError("not every continuation has the same length")
    return {
        "name": f"{ROLLOUTS} rollouts after each of {len(STEPS)} steps ({TOKENS} tokens each)",
        "unit": "continuations/s",
        "measured": round(len(draws) / measured_s, 2),
        "reference": round(len(draws) / reference_s, 2),
        "ratio": round(reference_s / measured_s, 3),
        "limit": LIMIT,
        "limit_kind": "at least",
    }


def check_greedy(engine: LocalEngine, draws: Sequence[Draw]) -> None:
    """Raise RuntimeError where greedy continuations are not equal either way.

    Both ways are warm after it.
    """
    greedy = Decoding(temperature=0, max_tokens=GREEDY_TOKENS)
    if engine.generate(draws, greedy) != _draw_anew(engine, draws, greedy):
        raise RuntimeError("greedy continuations differ from those of prefixes that are read anew")


def _draw_anew(engine: LocalEngine, draws: Sequence[Draw], decoding: Decoding) -> list[Completion]:
    from labelers.engines.local_model import Row
    from labelers.engines.prompt_reader import Prompt, PromptReader, Reading

    class AnewReader(PromptReader):
        """Reads every prompt of a batch whole, equal ones too."""

        def read(self, prompts: Sequence[Prompt]) -> Reading:
            return self._read(prompts)

    model = engine._model
    rows = [row for draw in draws if isinstance(row := model.open_row(draw, decoding), Row)]
    for start in range(0, len(rows), BATCH_SIZE):
        reader = AnewReader(model._logits, model.device, [])
        model.draw(rows[start : start + BATCH_SIZE], decoding, reader)
    return [model.completion(row, decoding) for row in rows]


def main() -> None:
    found = measure()
    print(
        f"{found['name']}: {found['measured']} to {found['reference']} {found['unit']}, "
        f"ratio {found['ratio']} ({found['limit_kind']} {found['limit']})"
    )


if __name__ == "__main__":
    main()
