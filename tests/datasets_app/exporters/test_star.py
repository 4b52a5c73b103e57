"""STaR's rationales, direct and rationalised."""

import json
from typing import Any

import pytest

from datasets_app.exporters.base import OptionRefused
from labelers.answers import extract
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
NAME = "star"


def row(rationale: str, mode: str = "direct") -> Json:
    return {
        "prompt": f"Q: {PROBLEM}\nA:",
        "completion": f" {rationale}\n#### 5",
        "mode": mode,
    }


def test_a_solution_with_the_right_answer_is_a_rationale() -> None:
    assert values(NAME, unmarked("a", "b", text="a\n\nb")) == [row("a\n\nb")]


@pytest.mark.parametrize("is_correct", [False, None])
def test_one_without_the_right_answer_is_none(is_correct: bool | None) -> None:
    assert values(NAME, unmarked("a", is_correct=is_correct)) == []


def test_one_that_was_written_with_the_answer_in_view_is_told_apart_and_shows_no_hint() -> None:
    assert values(NAME, unmarked("a", hint=True)) == [row("a", "rationalised")]


@pytest.mark.parametrize("ending", ["\nA: 5", "\n#### 5", "\n\n#### 5\n"])
def test_a_line_with_the_answer_is_not_written_twice(ending: str) -> None:
    assert values(NAME, unmarked("a", "b", text=f"a\nb{ending}")) == [row("a\nb")]


@pytest.mark.parametrize("steps", [["a", "b\n\n# Answer\n\n5"], ["a", "b", "# Answer\n\n5"]])
def test_an_answer_header_within_the_steps_gives_way_to_the_line(steps: list[str]) -> None:
    assert values(NAME, unmarked(*steps)) == [row("a\nb")]


def test_the_last_of_several_answer_headers_is_the_answer() -> None:
    steps = ["# Answer\n\n4", "No.", "# Answer\n\n5"]
    assert values(NAME, unmarked(*steps)) == [row("# Answer\n\n4\nNo.")]


def test_an_answer_alone_is_no_rationale() -> None:
    assert values(NAME, unmarked("#### 5")) == []
    assert values(NAME, unmarked("The answer is 5.")) == []
    assert values(NAME, unmarked("a", "The answer is 5.")) == [row("a\nThe answer is 5.")]
    assert values(NAME, unmarked(text="")) == []


def test_one_that_a_labeler_found_wrong_is_left_out() -> None:
    right = written(solution(chosen("a"), chosen("b")), is_correct=True)
    wrong = written(solution(chosen("a"), chosen("b", -1)), is_correct=True)
    assert values(NAME, right) == [row("a\nb")]
    assert values(NAME, right, wrong) == []


@pytest.mark.parametrize(("neutral", "count"), [("positive", 1), ("drop", 1), ("negative", 0)])
def test_neutral_steps_become_what_is_asked(neutral: str, count: int) -> None:
    one = written(solution(chosen("a", 0)), is_correct=True)
    assert len(values(NAME, one, neutral=neutral)) == count


def test_marks_are_not_needed() -> None:
    one = written(solution(chosen("a", None), chosen("b", None)), is_correct=True)
    assert values(NAME, one) == [row("a\nb")]


def test_a_solution_of_several_labelers_is_one_row() -> None:
    labelers = [unmarked("a"), unmarked("a")]
    (made,) = export(NAME, *labelers)
    assert (made.solution, list(made.also)) == (labelers[0], labelers[1:])


@pytest.mark.parametrize("reason", ["bad_problem", "give_up"])
def test_what_was_not_finished_teaches_nothing(reason: str) -> None:
    assert values(NAME, written(solution(chosen("a"), reason=reason), is_correct=True)) == []


@pytest.mark.parametrize(
    "options",
    [{"neutral": "keep"}, {"alternatives": "rows"}, {"truncate": True}, {"separator": "\n"}],
)
def test_what_the_format_cannot_hold_is_refused(options: Json) -> None:
    with pytest.raises(OptionRefused, match="star cannot"):
        values(NAME, unmarked("a"), **options)


def test_real_solutions_end_with_one_answer_that_is_the_reference() -> None:
    made = 0
    for line in shared_file("gsm8k_model_solutions.jsonl").read_text().splitlines()[:100]:
        value = json.loads(line)
        for writer in ("6b_finetuning", "175b_verification"):
            text = value[writer]["solution"]
            body, _, _ = text.rpartition("\nA:")
            one = unmarked(
                *body.splitlines(), text=text, is_correct=value[writer]["is_correct"] and bool(body)
            )
            one.record["question"]["ground_truth_answer"] = extract(value["ground_truth"])
            for each in values(NAME, one):
                made += 1
                assert each["completion"].count("####") == 1
                assert "\nA:" not in each["completion"]
                assert extract(each["completion"]) == extract(value["ground_truth"])
    assert made > 50
