"""The arithmetic judge: its marks, and what it finds in real solutions."""

import json
from collections.abc import Sequence
from typing import Any, cast

import pytest

from labelers.judges import JUDGES, get_judge
from labelers.judges.arithmetic import ArithmeticJudge
from labelers.trace import Judgement, Trace
from tests.shared_data import shared_file
from web.registry import UnknownName

MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


def trace_of(*steps: str) -> Trace:
    return Trace(problem="", reference_answer=None, steps=steps, final_answer=None)


def judge_steps(*steps: str, **options: bool) -> Judgement:
    (judgement,) = ArithmeticJudge(**options).judge([trace_of(*steps)])
    return judgement


def test_a_step_is_right_wrong_or_not_rated() -> None:
    judgement = judge_steps("She has eggs.", "16 - 3 = <<16-3=13>>13", "7 + 2 = 10, so 10 * 2 = 20")
    assert [step.rating for step in judgement.steps] == [None, 1, -1]
    assert judgement.steps[2].comment == "7 + 2 = 10 is false: 7 + 2 is 9"
    assert judgement.score is None


def test_nothing_is_marked_after_the_first_error() -> None:
    judgement = judge_steps("1 + 1 = 3", "2 + 2 = 4")
    assert [step.rating for step in judgement.steps] == [-1]


def test_the_evidence_counts_claims() -> None:
    judgement = judge_steps("16 - 3 = <<16-3=13>>13", "3 + 3 = 6", "<<13*2=27>>27")
    assert judgement.evidence == {
        "annotation_claims": 2,
        "plain_claims": 2,
        "false_claims": 1,
        "annotations_only": False,
    }


def test_annotations_only_leaves_plain_claims_alone() -> None:
    judgement = judge_steps("1 + 1 = 3", "<<1+1=2>>2", annotations_only=True)
    assert [step.rating for step in judgement.steps] == [None, 1]
    assert judgement.evidence["plain_claims"] == 0


def test_an_option_that_is_neither_true_nor_false_is_refused() -> None:
    with pytest.raises(TypeError, match="true or false, not 'no'"):
        ArithmeticJudge(annotations_only=cast("bool", "no"))


def test_it_answers_each_trace_in_order() -> None:
    traces = [trace_of("1 + 1 = 2"), trace_of(), trace_of("1 + 1 = 3")]
    ratings = [[s.rating for s in j.steps] for j in ArithmeticJudge().judge(traces)]
    assert ratings == [[1], [], [-1]]


def test_a_comment_names_few_of_many_false_claims() -> None:
    (step,) = judge_steps(" and ".join(["1 + 1 = 3"] * 1000)).steps
    assert step.comment.count("is false") == 3


def test_judges_are_found_by_name() -> None:
    assert get_judge("arithmetic") is ArithmeticJudge
    assert all(judge.name == name for name, judge in JUDGES.items())
    with pytest.raises(UnknownName, match=f"known: {', '.join(sorted(JUDGES))}"):
        get_judge("oracle")


def flagged(rows: Sequence[dict[str, Any]], **options: bool) -> tuple[int, int]:
    """(all, with a wrong answer): model solutions that the judge finds an error in."""
    judge = ArithmeticJudge(**options)
    solutions = [row[model] for row in rows for model in MODELS]
    traces = [
        trace_of(*(line for line in solution["solution"].split("\n") if not line.startswith("A:")))
        for solution in solutions
    ]
    assert len(traces) == 4000
    found = [
        solution["is_correct"]
        for solution, judgement in zip(solutions, judge.judge(traces), strict=True)
        if any(step.rating == -1 for step in judgement.steps)
    ]
    return len(found), found.count(False)


def test_false_annotations_of_the_4000_model_solutions() -> None:
    lines = shared_file("gsm8k_model_solutions.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert flagged(rows, annotations_only=True) == (28, 27)
    # The figures in docs/judges.md.
    assert flagged(rows) == (117, 107)


def test_false_annotations_of_math_shepherd() -> None:
    records = [json.loads(s) for s in shared_file("math_shepherd.jsonl").read_text().splitlines()]
    found = [
        step.comment.partition(" is false")[0].replace(" ", "")
        for record in records
        for line in record["input"].split("\n")
        for step in judge_steps(line, annotations_only=True).steps
        if step.rating == -1
    ]
    assert found == ["20*40=8000", "20*40=8000", "2+1095=1100", "13*8/13=6", "10+8+4=220"]


@pytest.mark.parametrize(
    ("name", "key"), [("gsm8k_test.jsonl", "answer"), ("math500.jsonl", "solution")]
)
def test_no_reference_solution_is_found_wrong(name: str, key: str) -> None:
    texts = [json.loads(s)[key] for s in shared_file(name).read_text("utf-8").splitlines()]
    judgements = ArithmeticJudge().judge([trace_of(text) for text in texts])
    assert [j.steps[0].comment for j in judgements if j.steps[0].rating == -1] == []
    assert sum(j.steps[0].rating == 1 for j in judgements) > len(texts) // 10
