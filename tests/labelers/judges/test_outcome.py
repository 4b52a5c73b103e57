"""The outcome judge: a score for the final answer, nothing for the steps."""

import math
from typing import cast

import pytest

from labelers.answers import GRADER
from labelers.judges import get_judge
from labelers.judges.outcome import OutcomeJudge
from labelers.trace import Judgement, Trace


def judge(*pairs: tuple[str | None, str | None]) -> list[Judgement]:
    traces = [
        Trace(problem="?", reference_answer=reference, steps=("1 + 1 = 2",), final_answer=given)
        for given, reference in pairs
    ]
    return OutcomeJudge().judge(traces)


def test_right_wrong_missing_and_unknowable_answers() -> None:
    scores = [j.score for j in judge(("$18", "18"), ("17", "18"), (None, "18"), ("18", None))]
    assert scores == [1.0, 0.0, 0.0, None]


def test_it_marks_no_steps() -> None:
    assert all(judgement.steps == () for judgement in judge(("1", "1"), ("1", "2")))


def test_the_evidence_names_the_grader_and_both_answers() -> None:
    (judgement,) = judge((r"\frac{2}{4}", "0.5"))
    assert judgement.score == 1.0
    assert judgement.evidence == {
        "grader": GRADER,
        "final_answer": r"\frac{2}{4}",
        "reference_answer": "0.5",
    }


def test_it_needs_a_reference_answer_and_says_so() -> None:
    assert get_judge("outcome") is OutcomeJudge
    assert OutcomeJudge.needs_reference_answer


@pytest.mark.parametrize("limit_s", [0, -1, math.inf, math.nan, 1e300, 10**400, 3601])
def test_a_limit_that_is_no_time_to_wait_is_refused(limit_s: float) -> None:
    with pytest.raises(ValueError, match="over 0 and at most 3600 seconds"):
        OutcomeJudge(limit_s=limit_s)


@pytest.mark.parametrize("limit_s", ["3", True, None])
def test_a_limit_that_is_no_number_is_refused(limit_s: object) -> None:
    with pytest.raises(TypeError, match="limit_s must be a number"):
        OutcomeJudge(limit_s=cast("float", limit_s))


def test_a_comparison_over_the_limit_counts_as_wrong() -> None:
    trace = Trace(problem="?", reference_answer="2", steps=(), final_answer=r"\prod_{n=1}^{10^9} n")
    (judgement,) = OutcomeJudge(limit_s=0.2).judge([trace])
    assert judgement.score == 0.0
