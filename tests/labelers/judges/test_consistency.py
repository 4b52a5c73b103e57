"""The consistency judge: the share of a problem's answers that are a solution's own."""

import json
from collections import Counter
from collections.abc import Mapping

import pytest

from labelers import answers
from labelers.judges.consistency import ConsistencyJudge, answer_classes
from labelers.trace import Judgement, Trace
from tests.shared_data import shared_file

MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


def trace_of(final_answer: str | None, others: Mapping[str, int]) -> Trace:
    return Trace(
        problem="?",
        reference_answer=None,
        steps=("1 + 1 = 2",),
        final_answer=final_answer,
        answer_counts=others,
    )


def judge(final_answer: str | None, **others: int) -> Judgement:
    [judgement] = ConsistencyJudge().judge([trace_of(final_answer, others)])
    return judgement


def test_the_score_is_the_share_of_the_same_answer_its_own_included() -> None:
    [judgement] = ConsistencyJudge().judge([trace_of("18", {"18": 2, "17": 1})])
    assert judgement.score == 0.75
    assert judgement.evidence == {
        "grader": answers.GRADER,
        "final_answer": "18",
        "same_answer": 3,
        "answers": 4,
        "different_answers": 2,
        "most_frequent": [{"answer": "18", "count": 3}, {"answer": "17", "count": 1}],
    }


def test_answers_that_are_written_differently_count_as_one() -> None:
    others = {"0.5": 1, r"\frac{1}{2}": 2, "$0.50": 1, "2": 1}
    [judgement] = ConsistencyJudge().judge([trace_of(r"\frac{2}{4}", others)])
    assert judgement.evidence["same_answer"] == 5
    assert judgement.score == pytest.approx(5 / 6)
    assert judgement.evidence["most_frequent"][0] == {"answer": r"\frac{1}{2}", "count": 5}


def test_a_problem_s_solutions_see_one_partition_though_equality_is_not_transitive() -> None:
    counts = {"10%": 1, "10": 3, "0.1": 2, "1<x<2": 1, "(1,2)": 1}
    assert answers.grade([("10", "10%"), ("0.1", "10%"), ("0.1", "10")]) == [True, True, False]
    traces = [
        trace_of(own, {a: n - (a == own) for a, n in counts.items() if n > (a == own)})
        for own in counts
    ]
    judgements = ConsistencyJudge().judge(traces)
    assert [judgement.evidence["same_answer"] for judgement in judgements] == [4, 4, 2, 2, 2]
    for judgement in judgements:
        assert judgement.evidence["most_frequent"] == [
            {"answer": "10", "count": 4},
            {"answer": "0.1", "count": 2},
            {"answer": "(1,2)", "count": 2},
        ]


def test_it_marks_no_steps_and_needs_no_reference_answer() -> None:
    assert judge("18", a=1).steps == ()
    assert not ConsistencyJudge.needs_reference_answer


@pytest.mark.parametrize("final_answer", [None, "", "  "])
def test_a_solution_without_an_answer_has_no_score(final_answer: str | None) -> None:
    assert judge(final_answer, a=3) == Judgement()


def test_the_only_solution_with_an_answer_has_no_score() -> None:
    assert judge("18") == Judgement()


def test_an_answer_that_equals_no_other_is_a_class_of_its_own() -> None:
    [judgement] = ConsistencyJudge().judge([trace_of("$$", {"5": 3})])
    assert judgement.score == 0.25


def test_the_evidence_names_at_most_twenty_answers() -> None:
    others = {str(number): 1 for number in range(100)}
    [judgement] = ConsistencyJudge().judge([trace_of("7", others)])
    assert judgement.evidence["different_answers"] == 100
    assert len(judgement.evidence["most_frequent"]) == 20
    assert judgement.score == 2 / 101


def test_solutions_of_one_problem_are_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str | None, str | None]] = []
    grade = answers.grade

    def counting(pairs: list[tuple[str | None, str | None]]) -> list[bool | None]:
        compared.extend(pairs)
        return grade(pairs)

    monkeypatch.setattr(answers, "grade", counting)
    answer_classes.cache_clear()
    ConsistencyJudge().judge([trace_of("18", {"17": 1, "18": 1}), trace_of("17", {"18": 2})])
    assert sorted(compared) == [("17", "18"), ("18", "17")]


def test_the_more_models_agree_on_an_answer_the_more_often_it_is_right() -> None:
    traces: list[Trace] = []
    is_correct: list[bool] = []
    for line in shared_file("gsm8k_model_solutions.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        stated = [answers.extract(row[model]["solution"]) for model in MODELS]
        counts = Counter(answer for answer in stated if answer is not None)
        traces += (trace_of(own, counts - Counter([own or ""])) for own in stated)
        is_correct += (row[model]["is_correct"] for model in MODELS)
    judged = zip(ConsistencyJudge().judge(traces), is_correct, strict=True)
    right = [(round(j.score or 0, 2), correct) for j, correct in judged]
    # The figures in docs/judges.md.
    assert Counter(score for score, _ in right) == {
        0: 10, 0.25: 2211, 0.33: 20, 0.5: 708, 0.67: 4, 0.75: 531, 1: 516,
    }  # fmt: skip
    assert Counter(score for score, correct in right if correct)[1] == 496
