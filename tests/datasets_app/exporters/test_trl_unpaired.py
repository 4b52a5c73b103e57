"""TRL's unpaired preferences: a completion, and whether all its steps are right."""

import json
from typing import Any

import pytest

from datasets_app.exporters.base import OptionRefused
from tests.datasets_app.exporters.exporting import (
    PROBLEM,
    chosen,
    export,
    solution,
    values,
    written,
)
from tests.datasets_app.marked_json import marked
from tests.datasets_app.prm800k_json import candidate, human, phase_2, position
from tests.shared_data import shared_file

Json = dict[str, Any]
NAME = "trl-unpaired"


def row(completion: str, label: bool) -> Json:
    return {"prompt": PROBLEM, "completion": f"\n{completion}", "label": label}


def test_a_solution_of_right_steps_is_true() -> None:
    assert values(NAME, solution(chosen("a"), chosen("b", 0))) == [row("a\nb", True)]


def test_a_solution_with_a_wrong_step_is_false_and_ends_there() -> None:
    one = [chosen("a"), chosen("b", -1), chosen("c")]
    assert values(NAME, solution(*one)) == [row("a\nb", False)]
    assert values(NAME, solution(*one), truncate=False) == [row("a\nb\nc", False)]


def test_the_label_is_a_boolean() -> None:
    (made,) = values(NAME, marked(phase_2()))
    assert made["label"] is False


@pytest.mark.parametrize(
    ("neutral", "rows"),
    [("positive", [row("a", True)]), ("negative", [row("a", False)]), ("drop", [])],
)
def test_neutral_steps_become_what_is_asked(neutral: str, rows: list[Json]) -> None:
    assert values(NAME, solution(chosen("a", 0)), neutral=neutral) == rows


@pytest.mark.parametrize("ratings", [[1, None], [None, 1], [None]])
def test_what_is_not_rated_whole_is_neither_right_nor_wrong(ratings: list[int | None]) -> None:
    steps = [chosen("abc"[index], rating) for index, rating in enumerate(ratings)]
    assert values(NAME, solution(*steps)) == []


def test_a_tail_that_nobody_marked_leaves_it_open() -> None:
    one = solution(chosen("a"), reason=None)
    one.record["question"]["pre_generated_steps"].append("b")
    assert values(NAME, one) == []


def test_a_person_who_says_that_it_is_solved_has_seen_the_whole() -> None:
    one = solution(chosen("a"))
    one.record["question"]["pre_generated_steps"].append("# Answer\n\n5")
    assert values(NAME, written(one, text="a\n# Answer\n\n5")) == [row("a", True)]


def test_the_text_is_as_it_was_written() -> None:
    text = "  a. b.\n\nc\nA: 5\n"
    right = solution(chosen("a."), chosen("b."), chosen("c"))
    assert values(NAME, written(right, text=text)) == [row("a. b.\n\nc\nA: 5", True)]
    wrong = solution(chosen("a."), chosen("b.", -1), chosen("c"))
    assert values(NAME, written(wrong, text=text)) == [row("a. b.", False)]


def test_a_step_that_is_not_the_solutions_own_stands_in_its_place() -> None:
    steps = [chosen("a."), position([candidate("b.", -1)], written=human("B.")), chosen("c")]
    one = written(solution(*steps), text="a. b. c")
    assert values(NAME, one) == [row("a. B.\nc", True)]


def test_what_was_built_step_by_step_is_a_line_a_step() -> None:
    one = written(solution(chosen("a"), chosen("b")), text=None)
    assert values(NAME, one) == [row("a\nb", True)]


def test_wrong_alternatives_are_rows_and_right_ones_finish_nothing() -> None:
    steps = [chosen("a"), position([candidate("b"), candidate("c", -1), candidate("d")], chosen=0)]
    one = written(solution(*steps), text="a; b")
    assert values(NAME, one, alternatives="rows") == [row("a; b", True), row("a; c", False)]


def test_no_error_in_a_solution_with_a_wrong_answer_is_an_oversight() -> None:
    assert values(NAME, written(solution(chosen("a")), is_correct=False)) == []


@pytest.mark.parametrize("reason", ["bad_problem", "give_up"])
def test_what_was_not_finished_teaches_nothing(reason: str) -> None:
    assert values(NAME, solution(chosen("a", -1), reason=reason)) == []
    assert values(NAME, solution(chosen("a"), reason=reason)) == []


@pytest.mark.parametrize(
    "options", [{"neutral": "keep"}, {"alternatives": "keep"}, {"separator": "\n"}]
)
def test_what_the_format_cannot_hold_is_refused(options: Json) -> None:
    with pytest.raises(OptionRefused, match="trl-unpaired cannot"):
        values(NAME, marked(phase_2()), **options)


def test_a_row_names_the_steps_that_were_rated() -> None:
    one = solution(chosen("a", None), chosen("b", -1))
    assert [made.steps for made in export(NAME, one)] == [["1.0"]]


def test_real_records_are_right_or_end_with_their_error() -> None:
    rows = [
        values(NAME, marked(json.loads(line)))
        for line in shared_file("prm800k.jsonl").read_text().splitlines()
    ]
    # The second has an error, the labeler of the fifth gave up.
    assert [[one["label"] for one in of_record] for of_record in rows] == [
        *([True], [False], [True], [True], [], [True])
    ]
