"""Tokens a second of the local engine, against a bare batched `model.generate`.

Both draw the same number of tokens from the same prompts with the same model, in one batch, in
turns; the engine also looks for a stop string, as it does in real runs.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

from labelers.engines.base import Decoding, Draw
from labelers.engines.local import LocalEngine
from labelers.prompts import get_prompt

BATCH_SIZE = 8
TOKENS = 48
ROUNDS = 5
LIMIT = 0.9


def measure() -> dict[str, Any]:
    """Return name, measured, reference (tokens a second), ratio and its lower limit."""
    engine = LocalEngine(model="smollm2", batch_size=BATCH_SIZE)
    # Not before the engine has said how torch's threads wait: it is read when torch is imported.
    import torch

    # No text ends early: what differs in length cannot be compared.
    engine._model.end_ids = set()
    prompt = get_prompt("zero_shot_cot")
    prompts = [
        prompt.render(f"A box holds {count} eggs. How many eggs are in {count + 1} boxes?")
        for count in range(2, 2 + BATCH_SIZE)
    ]

    def by_engine(seed: int) -> None:
        draws = [
            Draw(prompt=prompt, seed=seed * BATCH_SIZE + i) for i, prompt in enumerate(prompts)
        ]
        engine.generate(draws, Decoding(max_tokens=TOKENS, stop=("\nNo text has this line",)))

    def by_generate(seed: int) -> None:
        torch.manual_seed(seed)
        _bare_generate(engine, prompts)

    by_engine(0)
    by_generate(0)
    seconds: dict[Callable[[int], None], list[float]] = {by_engine: [], by_generate: []}
    for seed in range(1, ROUNDS + 1):
        for drawing, times in seconds.items():
            began = time.perf_counter()
            drawing(seed)
            times.append(time.perf_counter() - began)
    measured, reference = (
        BATCH_SIZE * TOKENS / statistics.median(seconds[drawing])
        for drawing in (by_engine, by_generate)
    )
    return {
        "name": "local sampling against bare generate",
        "unit": "tokens/s",
        "measured": round(measured, 1),
        "reference": round(reference, 1),
        "ratio": round(measured / reference, 3),
        "limit": LIMIT,
        "limit_kind": "at least",
    }


def _bare_generate(engine: LocalEngine, prompts: list[str]) -> None:
    tokenizer, model = engine._model.tokenizer, engine._model.model
    chats = [[{"role": "user", "content": prompt}] for prompt in prompts]
    texts = tokenizer.apply_chat_template(chats, tokenize=False, add_generation_prompt=True)
    tokens = tokenizer(
        texts, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False
    ).to(model.device)
    # top_k 0: from all tokens, as the engine does; the default is the likeliest 50.
    drawn = model.generate(
        **tokens,
        do_sample=True,
        temperature=0.7,
        top_k=0,
        max_new_tokens=TOKENS,
        min_new_tokens=TOKENS,
    )
    tokenizer.batch_decode(drawn)


def main() -> None:
    found = measure()
    print(
        f"{found['name']}: {found['measured']} to {found['reference']} {found['unit']}, "
        f"ratio {found['ratio']} ({found['limit_kind']} {found['limit']})"
    )


if __name__ == "__main__":
    main()
