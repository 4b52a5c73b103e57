"""Prompts that begin alike: what they share is read once, and nobody's text differs for it."""

from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer, MistralConfig, MistralForCausalLM

from labelers.engines import prompt_reader
from labelers.engines.base import Completion, Decoding, Draw
from labelers.engines.local import LocalEngine
from labelers.engines.local_model import Row
from labelers.engines.prompt_reader import common, reading_order
from tests.labelers.engines.tiny_model import CONTEXT

GREEDY = Decoding(temperature=0, max_tokens=5)
SAMPLED = Decoding(temperature=1, max_tokens=5)
PROBLEM = "Anna has 5 apples and buys 7 more."
STEPS = ("Each box holds 4.", "The eggs 8 = 12.", "So 4 + 8.", "The answer is 12.")
PREFIXES = ["\n".join(STEPS[:count]) for count in range(5)]


def rollouts(prefixes: list[str], each: int, problem: str = PROBLEM) -> list[Draw]:
    return [
        Draw(prompt=problem, prefix=prefix, seed=seed)
        for prefix in prefixes
        for seed in range(each)
    ]


def texts(engine: LocalEngine, draws: list[Draw], decoding: Decoding, size: int) -> list[str]:
    engine.batch_size = size
    drawn = engine.generate(draws, decoding)
    assert all(isinstance(one, Completion) for one in drawn), drawn
    return [one.text for one in drawn if isinstance(one, Completion)]


def alone(engine: LocalEngine, draws: list[Draw], decoding: Decoding) -> list[str]:
    """Each draw in a call of its own, which has nobody to share with."""
    return [text for draw in draws for text in texts(engine, [draw], decoding, 1)]


@pytest.fixture
def read(tiny: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of tokens that the model is given, call by call: one a row is drawing."""
    counts: list[int] = []
    forward = tiny._model._logits

    def counting(ids: torch.Tensor, *rest: Any) -> Any:
        if ids.shape[1] > 1:
            counts.append(ids.numel())
        return forward(ids, *rest)

    monkeypatch.setattr(tiny._model, "_logits", counting)
    return counts


@pytest.mark.parametrize(("each", "size", "least"), [(1, 8, 1), (2, 3, 16), (3, 8, 1)])
@pytest.mark.parametrize("decoding", [GREEDY, SAMPLED])
def test_continuations_are_those_of_each_prefix_read_anew(
    tiny: LocalEngine,
    monkeypatch: pytest.MonkeyPatch,
    decoding: Decoding,
    each: int,
    size: int,
    least: int,
) -> None:
    monkeypatch.setattr(prompt_reader, "LEAST_SHARED_TOKENS", least)
    draws = rollouts(PREFIXES, each) + rollouts(["Each box", "So"], each, "What is 15% of 200?")
    draws = draws[1::2] + draws[::2]
    assert texts(tiny, draws, decoding, size) == alone(tiny, draws, decoding)


def test_the_longest_prefix_is_read_once_and_the_others_are_slices_of_it(
    tiny: LocalEngine, read: list[int]
) -> None:
    texts(tiny, rollouts(PREFIXES[1:], 8), GREEDY, 8)
    rows = [tiny._model.open_row(draw, GREEDY) for draw in rollouts(PREFIXES[1:], 1)]
    lengths = [len(row.prompt_ids) for row in rows if isinstance(row, Row)]
    # What the longest two share, then the rest of the longest; the others are a token each.
    assert read == [lengths[-2], lengths[-1] - lengths[-2]]


def test_prefixes_of_one_batch_share_too(tiny: LocalEngine, read: list[int]) -> None:
    texts(tiny, rollouts(PREFIXES[1:], 1), GREEDY, 8)
    last_step = len(tiny._model.tokenizer("\n" + STEPS[3])["input_ids"])
    shared, rests = read
    assert rests == 4 * last_step
    assert shared > 40


def test_unlike_prompts_are_read_in_one_call(tiny: LocalEngine, read: list[int]) -> None:
    draws = [Draw(prompt=problem, seed=1) for problem in ("Anna has 5.", "What?", "12 eggs")]
    texts(tiny, draws, GREEDY, 8)
    assert len(read) == 1


@pytest.mark.parametrize(("shorter", "longer"), [("The ans", "The answer"), ("bo", "boxes")])
def test_a_cut_inside_a_token_of_the_longer_text_changes_nothing(
    tiny: LocalEngine, monkeypatch: pytest.MonkeyPatch, shorter: str, longer: str
) -> None:
    monkeypatch.setattr(prompt_reader, "LEAST_SHARED_TOKENS", 1)
    ids = [tuple(tiny._model.tokenizer(text)["input_ids"]) for text in (shorter, longer)]
    assert common(*ids) < len(ids[0]), "the tokens do not differ at the cut"
    draws = rollouts([shorter, longer, longer + " eggs"], 2)
    assert texts(tiny, draws, GREEDY, 8) == alone(tiny, draws, GREEDY)


def test_a_model_with_a_sliding_window_shares_nothing_and_draws_the_same(
    tiny_folder: Path, tmp_path: Path
) -> None:
    AutoTokenizer.from_pretrained(tiny_folder).save_pretrained(tmp_path)
    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=300,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        sliding_window=8,
        eos_token_id=1,
        bos_token_id=None,
        initializer_range=0.5,
    )
    MistralForCausalLM(config).save_pretrained(tmp_path)
    engine = LocalEngine(model=str(tmp_path), device="cpu")
    assert not engine._model._keeps_every_token
    draws = rollouts(PREFIXES, 2)
    assert texts(engine, draws, GREEDY, 4) == alone(engine, draws, GREEDY)


def test_prompts_without_a_trunk_of_their_own_are_drawn_by_length() -> None:
    head = tuple(range(100))
    prompts = {key: (*head, *range(200 + key, 200 + key + key % 5)) for key in range(10)}
    order = reading_order(prompts, shares=True)
    lengths = [len(prompts[key]) for key in order]
    assert lengths == sorted(lengths, reverse=True)
    assert sorted(order) == list(range(10))


def test_prompts_with_a_trunk_of_their_own_stay_together_each_before_those_it_begins_with() -> None:
    trunk = tuple(range(50, 90))
    prompts = {
        0: (1, 2, 3),
        1: (9, *trunk[:20]),
        2: (1,) * 30,
        3: (9, *trunk),
        4: (9, *trunk[:30]),
        5: (2,) * 60,
        6: (9, *trunk),
        7: (1,) * 29,
    }
    assert reading_order(prompts, shares=True) == [5, 3, 6, 4, 1, 2, 7, 0]
    assert reading_order(prompts, shares=False) == [5, 3, 6, 4, 2, 7, 1, 0]


def test_equal_prompts_stand_side_by_side_and_none_is_left_out() -> None:
    prompts = {key: ((key % 3, 7, 7), (key % 3, 8))[key % 2] for key in range(12)}
    order = reading_order(prompts, shares=True)
    assert sorted(order) == list(range(12))
    assert len([*groupby(order, key=lambda key: prompts[key])]) == len(set(prompts.values()))
    assert reading_order({}, shares=True) == []


def test_batches_of_unlike_prompts_are_of_like_length(
    tiny: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    widths: list[list[int]] = []
    draw = tiny._model.draw

    def watched(rows: list[Row], *rest: Any) -> None:
        widths.append([len(row.prompt_ids) for row in rows])
        draw(rows, *rest)

    monkeypatch.setattr(tiny._model, "draw", watched)
    problems = [f"{letter} eggs{' and a box' * (n % 4)}?" for n, letter in enumerate("ABCDEFGH")]
    texts(tiny, [Draw(prompt=problem, seed=1) for problem in problems], GREEDY, 2)
    assert [len({*batch}) for batch in widths] == [1] * 4


@pytest.mark.slow
@pytest.mark.xdist_group("smollm2")
def test_smollm2_continues_greedily_the_same_with_and_without_sharing(
    smollm2: LocalEngine,
) -> None:
    prefixes = ["\n".join(STEPS[:count]) for count in (1, 2, 4)]
    draws = rollouts(prefixes, 2) + rollouts(prefixes, 1, "What is 15% of 200?")
    decoding = replace(GREEDY, max_tokens=10)
    assert texts(smollm2, draws, decoding, 4) == alone(smollm2, draws, decoding)
