"""Prompts with completions to imitate."""

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
from tests.datasets_app.marked_json import marked
from tests.datasets_app.prm800k_json import candidate, human, phase_2, position
from tests.shared_data import shared_file

Json = dict[str, Any]
NAME = "sft"


def row(completion: str) -> Json:
    return {"prompt": PROBLEM, "completion": f"\n{completion}"}


def test_a_solution_of_right_steps_is_imitated_as_it_was_written() -> None:
    one = written(solution(chosen("a"), chosen("b", 0)), text="a\n\nb\nA: 5")
    assert values(NAME, one) == [row("a\n\nb\nA: 5")]


@pytest.mark.parametrize(
    "steps",
    [
        [chosen("a", -1)],
        [chosen("a"), chosen("b", None)],
        [chosen("a", None), chosen("b")],
        [chosen("a"), position([candidate("b", -1), candidate("c")])],
    ],
)
def test_one_that_is_not_all_right_is_not_whatever_its_answer(steps: list[Json]) -> None:
    assert values(NAME, written(solution(*steps), is_correct=True)) == []


@pytest.mark.parametrize(
    ("neutral", "rows"), [("positive", [row("a")]), ("negative", []), ("drop", [])]
)
def test_neutral_steps_become_what_is_asked(neutral: str, rows: list[Json]) -> None:
    assert values(NAME, solution(chosen("a", 0)), neutral=neutral) == rows


def test_a_tail_that_nobody_marked_is_not_known_to_be_right() -> None:
    one = solution(chosen("a"), reason=None)
    one.record["question"]["pre_generated_steps"].append("b")
    assert values(NAME, written(one, is_correct=True)) == []


def test_a_model_that_marked_a_part_has_not_seen_the_whole() -> None:
    one = solution(chosen("a"), labeler_kind="model")
    one.record["question"]["pre_generated_steps"].append("b")
    assert values(NAME, one) == []


def test_a_human_step_is_right() -> None:
    one = written(solution(position([candidate("a", -1)], written=human("b"))), text=None)
    assert values(NAME, one) == [row("b")]


def test_right_steps_to_a_wrong_answer_are_an_oversight() -> None:
    assert values(NAME, written(solution(chosen("a")), is_correct=False)) == []


def test_without_marks_the_answer_decides() -> None:
    assert values(NAME, unmarked("a", "b", text="a b\nA: 5\n")) == [row("a b\nA: 5")]
    assert values(NAME, unmarked("a", is_correct=False)) == []
    assert values(NAME, unmarked("a", is_correct=None)) == []


def test_without_marks_what_was_written_with_the_answer_in_view_is_left_out() -> None:
    assert values(NAME, unmarked("a", hint=True)) == []
    assert values(NAME, written(solution(chosen("a")), hint=True)) == [row("a")]


def test_a_wrong_step_that_one_labeler_found_counts_for_all() -> None:
    right, wrong = solution(chosen("a"), chosen("b")), solution(chosen("a"), chosen("b", -1))
    assert values(NAME, right, wrong) == []
    assert values(NAME, right, solution(chosen("c", -1), id="other")) == [row("a\nb")]


def test_marks_of_one_labeler_come_before_the_answer_that_another_went_by() -> None:
    partly = written(solution(chosen("a"), chosen("b", None)), is_correct=True)
    assert values(NAME, partly, unmarked("a", "b")) == []


def test_a_solution_that_two_labelers_find_right_is_one_row() -> None:
    labelers = [solution(chosen("a"), weight=0.5, labeler=name) for name in "xy"]
    (made,) = export(NAME, *labelers)
    assert (made.solution, made.also) == (labelers[0], labelers[1:])
    assert made.origin()["weight"] == 1


@pytest.mark.parametrize("reason", ["bad_problem", "give_up"])
def test_what_was_not_finished_teaches_nothing(reason: str) -> None:
    assert values(NAME, solution(chosen("a"), reason=reason)) == []
    assert values(NAME, written(solution(reason=reason), text="a", is_correct=True)) == []


@pytest.mark.parametrize(
    "options",
    [{"neutral": "keep"}, {"alternatives": "rows"}, {"truncate": True}, {"separator": "\n"}],
)
def test_what_the_format_cannot_hold_is_refused(options: Json) -> None:
    with pytest.raises(OptionRefused, match="sft cannot"):
        values(NAME, marked(phase_2()), **options)


def test_real_solutions_that_are_marked_right_keep_their_text() -> None:
    records = [json.loads(line) for line in shared_file("prm800k.jsonl").read_text().splitlines()]
    made = [values(NAME, marked(record)) for record in records]
    # The second has an error, the labeler of the fifth gave up.
    assert [len(rows) for rows in made] == [1, 0, 1, 1, 0, 1]
    last = records[5]["question"]
    assert made[5] == [
        {
            "prompt": last["problem"],
            "completion": "\n" + "\n".join(last["pre_generated_steps"]),
        }
    ]
