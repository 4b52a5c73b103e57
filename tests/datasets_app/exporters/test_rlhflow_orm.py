"""RLHFlow's outcome rewards: problem and solution in one turn, then `+` or `-`."""

import json
from typing import Any

import pytest

from datasets_app.exporters.base import OptionRefused
from tests.datasets_app.exporters.exporting import (
    PROBLEM,
    chosen,
    export,
    solution,
    unmarked,
    values,
    written,
)
from tests.shared_data import shared_file

Json = dict[str, Any]
NAME = "rlhflow-orm"


def talk(text: str, sign: str) -> Json:
    return {
        "conversations": [
            {"role": "user", "content": f"{PROBLEM} {text}"},
            {"role": "assistant", "content": sign},
        ]
    }


@pytest.mark.parametrize(("is_correct", "sign"), [(True, "+"), (False, "-")])
def test_the_sign_follows_the_final_answer(is_correct: bool, sign: str) -> None:
    one = unmarked("a", "b", text="a\n\nb\nA: 5\n", is_correct=is_correct)
    assert values(NAME, one) == [talk("a\n\nb\nA: 5", sign)]


def test_marks_on_steps_have_no_part_in_it() -> None:
    one = written(solution(chosen("a", -1), chosen("b", None)), is_correct=True)
    assert values(NAME, one) == [talk("a\nb", "+")]


def test_what_was_not_graded_or_shown_the_answer_or_built_makes_no_row() -> None:
    for facts in ({"is_correct": None}, {"hint": True}, {"text": None}):
        assert values(NAME, unmarked("a", **facts)) == []


def test_a_solution_of_several_labelers_is_one_row() -> None:
    labelers = [unmarked("a"), unmarked("a")]
    (made,) = export(NAME, *labelers)
    assert (made.solution, list(made.also)) == (labelers[0], labelers[1:])


@pytest.mark.parametrize(
    "options",
    [{"neutral": "drop"}, {"alternatives": "rows"}, {"truncate": True}, {"separator": "\n"}],
)
def test_what_the_format_cannot_hold_is_refused(options: Json) -> None:
    with pytest.raises(OptionRefused, match="rlhflow-orm cannot"):
        values(NAME, unmarked("a"), **options)


def test_real_solutions_have_the_sign_of_their_source() -> None:
    line = shared_file("gsm8k_model_solutions.jsonl").read_text().splitlines()[0]
    value = json.loads(line)
    for writer in ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"):
        one = unmarked(text=value[writer]["solution"], is_correct=value[writer]["is_correct"])
        (row,) = values(NAME, one)
        sign = "+" if value[writer]["is_correct"] else "-"
        assert row == talk(value[writer]["solution"].strip(), sign)
