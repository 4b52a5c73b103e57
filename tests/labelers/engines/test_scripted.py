"""The engine that needs nothing."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelers.engines import ENGINES, get_engine
from labelers.engines.base import Completion, Decoding, Draw, DrawFailure, before_stop, storable
from labelers.engines.scripted import ScriptedEngine
from labelers.prompts import PROMPTS
from web.registry import UnknownName

PROBLEM = "Problem: Anna has 5 apples, buys 7 more and shares them with 2 friends."


def draw_one(engine: ScriptedEngine, draw: Draw, decoding: Decoding | None = None) -> Completion:
    [completion] = engine.generate([draw], decoding or Decoding())
    assert isinstance(completion, Completion)
    return completion


def test_the_same_prompt_and_seed_give_the_same_text_in_any_company() -> None:
    draws = [Draw(prompt=PROBLEM, seed=seed) for seed in range(6)]
    together = ScriptedEngine().generate(draws, Decoding())
    alone = [ScriptedEngine().generate([draw], Decoding())[0] for draw in reversed(draws)]
    assert together == alone[::-1]


def test_different_seeds_give_different_solutions_unless_decoding_is_greedy() -> None:
    draws = [Draw(prompt=PROBLEM, seed=seed) for seed in range(20)]
    drawn = {draw_one(ScriptedEngine(), draw).text for draw in draws}
    greedy = {draw_one(ScriptedEngine(), draw, Decoding(temperature=0)).text for draw in draws}
    assert len(drawn) > 5
    assert len(greedy) == 1


def test_a_made_up_solution_has_several_lines_and_the_ending_that_its_prompt_asks_for() -> None:
    engine = ScriptedEngine()
    plain = draw_one(engine, Draw(prompt=PROMPTS["zero_shot_cot"].render(PROBLEM), seed=1)).text
    headed = draw_one(engine, Draw(prompt=PROMPTS["prm800k"].render(PROBLEM), seed=1)).text
    assert len(plain.splitlines()) >= 4
    assert plain.splitlines()[-1].startswith("The answer is ")
    assert "\n\n# Answer\n\n" in headed


@pytest.mark.parametrize("number", ["9" * 400, "9" * 5000 + ".5"])
def test_a_number_beyond_all_measure_is_no_part_of_a_solution(number: str) -> None:
    drawn = draw_one(ScriptedEngine(), Draw(prompt=f"Problem: {number} and 5 and 7", seed=1))
    assert drawn.text.startswith("We start with 5.")


def test_texts_are_given_out_by_seed() -> None:
    engine = ScriptedEngine(texts=["one", "two", "three"])
    drawn = engine.generate([Draw(prompt="?", seed=seed) for seed in (4, 0, 2)], Decoding())
    assert [completion.text for completion in drawn if isinstance(completion, Completion)] == [
        "two",
        "one",
        "three",
    ]


def test_a_stop_string_ends_the_text_before_it() -> None:
    engine = ScriptedEngine(texts=["First.\nSecond.\n\nProblem: more"])
    drawn = draw_one(engine, Draw(prompt="?", seed=0), Decoding(stop=("\nProblem:", "nowhere")))
    assert drawn.text == "First.\nSecond."
    assert drawn.finish_reason == "stop"


def test_max_tokens_counts_words_and_keeps_the_spaces_between_them() -> None:
    engine = ScriptedEngine(texts=["one  two\nthree four"])
    drawn = draw_one(engine, Draw(prompt="?", seed=0), Decoding(max_tokens=3))
    assert drawn.text == "one  two\nthree"
    assert (drawn.completion_tokens, drawn.finish_reason) == (3, "length")


def test_a_prefix_is_continued_where_the_script_begins_with_it() -> None:
    whole = draw_one(ScriptedEngine(), Draw(prompt=PROBLEM, seed=3)).text
    prefix = whole[: whole.index("\n")]
    continued = draw_one(ScriptedEngine(), Draw(prompt=PROBLEM, seed=3, prefix=prefix))
    assert prefix + continued.text == whole
    assert continued.prompt_text == PROBLEM + prefix


def test_a_foreign_prefix_is_continued_with_the_lines_that_are_left() -> None:
    engine = ScriptedEngine(texts=["a\nb\nc"])
    assert draw_one(engine, Draw(prompt="?", seed=0, prefix="x\ny\n")).text == "c"
    assert draw_one(engine, Draw(prompt="?", seed=0, prefix="x")).text == "\nb\nc"
    assert draw_one(engine, Draw(prompt="?", seed=0, prefix="1\n2\n3\n4")).text == "\nc"


def test_every_third_draw_fails_when_told_to() -> None:
    engine = ScriptedEngine(fail_every=3)
    drawn = engine.generate([Draw(prompt=PROBLEM, seed=seed) for seed in range(7)], Decoding())
    failed = [index for index, outcome in enumerate(drawn) if isinstance(outcome, DrawFailure)]
    assert failed == [2, 5]
    assert drawn[2] == DrawFailure(reason="scripted failure of draw 3", transient=True)


@given(
    problem=st.text(), seed=st.integers(min_value=0, max_value=2**64), temperature=st.floats(0, 2)
)
def test_any_prompt_is_answered(problem: str, seed: int, temperature: float) -> None:
    drawn = draw_one(
        ScriptedEngine(), Draw(prompt=problem, seed=seed), Decoding(temperature=temperature)
    )
    assert drawn.text
    assert drawn.completion_tokens == len(drawn.text.split())


def test_naming_the_engines_imports_no_model_library() -> None:
    program = (
        "import sys, labelers.engines; "
        "print([name for name in ('torch', 'transformers', 'django') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_an_engine_is_found_by_name_and_an_unknown_name_lists_the_known() -> None:
    assert all(get_engine(name).name == name for name in ENGINES)
    with pytest.raises(UnknownName, match="local, openai, scripted"):
        get_engine("vllm")


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"max_tokens": 0},
        {"stop": ("",)},
        {"stop": "Problem:"},
    ],
)
def test_decoding_that_no_engine_can_follow_is_refused_by_name(settings: dict[str, object]) -> None:
    [name] = settings
    with pytest.raises(ValueError, match=name):
        Decoding(**settings)  # type: ignore[arg-type]  # wrong on purpose


@given(st.text(alphabet=st.characters()), st.lists(st.text(min_size=1), max_size=3))
def test_no_stop_string_is_left_in_what_comes_before_the_first(text: str, stop: list[str]) -> None:
    kept = before_stop(text, stop)
    assert text.startswith(kept)
    assert all(string not in kept for string in stop)


@given(st.text(alphabet=st.characters(categories=["L", "Cs", "Cc"])))
def test_storable_text_keeps_its_length_and_can_be_encoded(text: str) -> None:
    kept = storable(text)
    assert len(kept) == len(text)
    assert b"\0" not in kept.encode()
