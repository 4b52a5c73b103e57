"""TRL's preference form: a right and a wrong step behind the same steps."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets_app.exporters.base import OptionRefused
from tests.datasets_app.exporters.exporting import PROBLEM, chosen, export, solution, values
from tests.datasets_app.marked_json import marked
from tests.datasets_app.prm800k_json import candidate, human, phase_2, position
from tests.shared_data import shared_file

Json = dict[str, Any]
NAME = "trl-preference"


def pair(right: str, wrong: str, *before: str) -> Json:
    return {
        "prompt": "".join(f"{line}\n" for line in (PROBLEM, *before)),
        "chosen": right,
        "rejected": wrong,
    }


def test_the_error_is_a_pair_with_its_right_alternative() -> None:
    assert values(NAME, marked(phase_2())) == [pair("That makes 5.", "That makes 6.", "I add.")]


def test_texts_of_different_positions_are_no_pair() -> None:
    assert values(NAME, solution(chosen("a"), chosen("b", -1), reason="found_error")) == []


def test_every_right_and_every_wrong_text_is_in_a_pair() -> None:
    ratings = [("a", 1), ("b", 1), ("c", -1), ("d", -1), ("e", -1), ("f", None)]
    one = solution(position([candidate(*each) for each in ratings], chosen=0))
    assert values(NAME, one) == [pair("a", "c"), pair("b", "d"), pair("a", "e")]


def test_a_human_step_is_right() -> None:
    one = solution(position([candidate("a", -1)], written=human("b")))
    assert values(NAME, one) == [pair("b", "a")]


@pytest.mark.parametrize(
    ("neutral", "pairs"),
    [("drop", []), ("positive", [pair("b", "a")]), ("negative", [pair("c", "b")])],
)
def test_neutral_steps_become_what_is_asked(neutral: str, pairs: list[Json]) -> None:
    rated = {"positive": -1, "negative": None, "drop": -1}[neutral]
    right = {"positive": None, "negative": 1, "drop": None}[neutral]
    one = solution(
        position([candidate("a", rated), candidate("b", 0), candidate("c", right)], chosen=0)
    )
    assert values(NAME, one, neutral=neutral) == pairs


def test_what_is_not_rated_is_in_no_pair() -> None:
    one = solution(position([candidate("a", -1), candidate("b", None)]))
    assert values(NAME, one) == []


def test_unlabelled_steps_are_part_of_the_prompt() -> None:
    one = solution(chosen("a", None), position([candidate("b", -1), candidate("c")]))
    assert values(NAME, one) == [pair("c", "b", "a")]


def test_after_the_first_error_there_are_no_pairs_unless_asked_for() -> None:
    wrong = position([candidate("a", -1), candidate("b")], chosen=0)
    one = solution(wrong, position([candidate("c", -1), candidate("d")]))
    assert values(NAME, one) == [pair("b", "a")]
    assert values(NAME, one, truncate=False) == [pair("b", "a"), pair("d", "c", "a")]


def test_solutions_that_begin_alike_make_pairs_with_each_other() -> None:
    right, wrong = (
        solution(chosen("a"), chosen(text, rating), id=name)
        for text, rating, name in (("b", 1, "one"), ("c", -1, "two"))
    )
    (row,) = export(NAME, right, wrong)
    assert row.value == pair("b", "c", "a")
    assert (row.solution, row.also) == (right, [wrong])
    assert row.origin()["step_ids"] == ["one/1.0", "two/1.0"]


def test_without_alternatives_pairs_are_those_of_different_solutions() -> None:
    one = solution(position([candidate("a"), candidate("b", -1)], chosen=0))
    other = solution(chosen("c", -1), id="two")
    assert values(NAME, one, other, alternatives="none") == [pair("a", "c")]


def test_solutions_that_begin_otherwise_make_none() -> None:
    assert values(NAME, solution(chosen("a"), chosen("b")), solution(chosen("c", -1))) == [
        pair("a", "c")
    ]


def test_spellings_of_a_problem_are_kept_apart() -> None:
    record = phase_2()
    record["question"]["problem"] = "What is  $2+3$?"
    record["label"]["steps"] = [chosen("b", -1)]
    assert values(NAME, solution(chosen("a")), marked(record)) == []


def test_a_text_that_labelers_disagree_about_is_in_no_pair() -> None:
    one = solution(position([candidate("a"), candidate("b", -1)], chosen=0))
    other = solution(position([candidate("a ", -1), candidate("c")]))
    assert values(NAME, one, other) == [pair("c", "b")]


def test_the_same_pair_by_two_labelers_is_one_row_with_the_weight_of_both() -> None:
    labelers = [marked(phase_2(), weight=0.5) for _ in range(2)]
    (row,) = export(NAME, *labelers)
    assert (row.solution, row.also) == (labelers[0], labelers[1:])
    assert row.origin()["weight"] == 1


def test_a_text_that_comes_in_several_solutions_is_of_the_first() -> None:
    wrong, right = chosen("b", -1), chosen("a")
    solutions = [
        solution(step, id=name, reason=None)
        for step, name in ((right, "one"), (right, "two"), (wrong, "three"), (wrong, "four"))
    ]
    (row,) = export(NAME, *solutions)
    assert (row.solution, row.also) == (solutions[0], solutions[1:])
    assert row.origin()["step_ids"] == ["one/0.0", "three/0.0"]
    assert row.origin()["weight"] == 1


@pytest.mark.parametrize("reason", ["bad_problem", "give_up"])
def test_what_was_not_finished_teaches_nothing(reason: str) -> None:
    record = phase_2()
    record["label"]["finish_reason"] = reason
    assert values(NAME, marked(record)) == []


def test_the_separator_stands_behind_every_text_of_the_prompt() -> None:
    (row,) = values(NAME, marked(phase_2()), separator="\n\n")
    assert row["prompt"] == f"{PROBLEM}\n\nI add.\n\n"


@pytest.mark.parametrize("options", [{"neutral": "keep"}, {"alternatives": "keep"}])
def test_what_the_format_cannot_hold_is_refused(options: Json) -> None:
    with pytest.raises(OptionRefused, match="trl-preference cannot"):
        values(NAME, marked(phase_2()), **options)


def test_real_records_make_pairs_at_each_position_with_both_marks() -> None:
    records = [json.loads(line) for line in shared_file("prm800k.jsonl").read_text().splitlines()]
    # The third has neutral steps beside right ones; the fifth gave up; the last is one path.
    assert [len(values(NAME, marked(record))) for record in records] == [5, 3, 0, 4, 0, 0]


RATED = st.tuples(st.sampled_from("abc"), st.sampled_from([1, 0, -1, None]))
PATHS = st.lists(
    st.lists(RATED, min_size=1, max_size=3).map(
        lambda rated: position([candidate(*one) for one in rated], chosen=0)
    ),
    max_size=3,
)


@given(st.lists(PATHS, max_size=4))
def test_both_texts_of_a_pair_were_so_marked_behind_the_prompt(paths: list[list[Json]]) -> None:
    marks = set()
    for steps in paths:
        prompt = f"{PROBLEM}\n"
        for step in steps:
            marks |= {(prompt, one["text"], one["rating"]) for one in step["completions"]}
            prompt += f"{step['completions'][0]['text']}\n"
    for row in values(NAME, *(solution(*steps) for steps in paths), truncate=False):
        assert (row["prompt"], row["chosen"], 1) in marks
        assert (row["prompt"], row["rejected"], -1) in marks
        assert row["chosen"] != row["rejected"]
