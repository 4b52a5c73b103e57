"""What a judge says, held against its contract."""

from typing import Any

import pytest

from labelers.judges.checking import checked
from labelers.trace import Cost, Judgement, StepJudgement, Unjudged

SHARES = {"-1": 0.2, "0": 0.3, "1": 0.5}


def why_not(judged: Any) -> str:
    refused = checked(judged, step_count=2)
    assert isinstance(refused, Unjudged), refused
    assert (refused.transient, refused.stops_run) == (False, False)
    return refused.reason


@pytest.mark.parametrize(
    "judgement",
    [
        Judgement(),
        Judgement(score=1, steps=(StepJudgement(rating=None),) * 2),
        Judgement(steps=(StepJudgement(rating=-1, score=0.0, probabilities=SHARES),)),
        Judgement(steps=(StepJudgement(probabilities={**SHARES, "1": 0.495}),)),
        Judgement(evidence={"first": {"n": [1, 2.5, None, True]}, "text": r"no NUL: \u0000"}),
    ],
)
def test_what_keeps_the_contract_is_left_alone(judgement: Judgement) -> None:
    assert checked(judgement, step_count=2) is judgement


@pytest.mark.parametrize("score", [-0.01, 1.01, float("nan"), float("inf"), True, "1", 10**400])
def test_a_score_is_a_number_from_0_to_1(score: Any) -> None:
    assert "cannot be kept: score: a number from 0 to 1" in why_not(Judgement(score=score))
    mark = StepJudgement(rating=1, score=score)
    assert "kept: steps[0].score: a number from" in why_not(Judgement(steps=(mark,)))


@pytest.mark.parametrize("rating", [2, -2, True, 1.0, "1"])
def test_a_rating_is_one_of_three_or_none(rating: Any) -> None:
    assert "steps[0].rating" in why_not(Judgement(steps=(StepJudgement(rating=rating),)))


@pytest.mark.parametrize(
    "shares",
    [
        {},
        {"-1": 0.5, "1": 0.5},
        {**SHARES, "2": 0.0},
        {-1: 0.2, 0: 0.3, 1: 0.5},
        {**SHARES, "1": 0.6},
        {**SHARES, "1": float("nan")},
        {"-1": -0.5, "0": 0.5, "1": 1.0},
        {"-1": 0.0, "0": 0.0, "1": 1.5},
        [0.2, 0.3, 0.5],
    ],
)
def test_class_probabilities_are_those_of_the_three_classes(shares: Any) -> None:
    mark = StepJudgement(rating=1, probabilities=shares)
    assert "steps[1].probabilities: " in why_not(Judgement(steps=(StepJudgement(), mark)))


@pytest.mark.parametrize("text", ["a\0b", "\ud800", None, 3])
def test_a_comment_is_a_text_that_a_database_keeps(text: Any) -> None:
    assert "steps[0].comment: " in why_not(Judgement(steps=(StepJudgement(comment=text),)))


@pytest.mark.parametrize(
    "evidence",
    [
        {"a": "\0"}, {"\0": 1}, {"a": [{"b": ("\ud800",)}]}, {"a": float("nan")}, {"a": {1, 2}},
        {(1, 2): 3}, [1], None,
    ],
)  # fmt: skip
def test_evidence_is_json_that_a_database_keeps(evidence: Any) -> None:
    assert "evidence: " in why_not(Judgement(evidence=evidence))


def test_evidence_that_holds_itself_is_none() -> None:
    evidence: dict[str, Any] = {}
    evidence["itself"] = evidence
    assert "evidence: " in why_not(Judgement(evidence=evidence))


@pytest.mark.parametrize("cost", [Cost(calls=-1), Cost(prompt_tokens=2**31), None])
def test_a_cost_that_no_column_holds_is_refused_and_not_counted(cost: Any) -> None:
    assert "cost: " in why_not(Judgement(cost=cost))
    refused = checked(Unjudged(reason="no", cost=cost), step_count=2)
    assert refused == Unjudged(reason="no")


def test_what_it_cost_counts_though_it_cannot_be_kept() -> None:
    refused = checked(Judgement(score=2, cost=Cost(calls=3)), step_count=2)
    assert refused.cost == Cost(calls=3)


@pytest.mark.parametrize("judged", [None, "fine", [], 1])
def test_what_is_no_judgement_says_so(judged: Any) -> None:
    assert why_not(judged) == f"the judge's answer is no judgement: {judged!r}"


def test_steps_of_another_shape_are_named_by_the_error() -> None:
    assert "cannot be kept: TypeError: " in why_not(Judgement(steps=None))  # type: ignore[arg-type]
    assert "cannot be kept: AttributeError: " in why_not(Judgement(steps=(1,)))  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [float("nan"), -1, "soon"])
def test_a_wait_that_is_none_asks_for_nothing(seconds: Any) -> None:
    judged = checked(Unjudged(reason="429", transient=True, retry_after_s=seconds), step_count=2)
    assert isinstance(judged, Unjudged)
    assert judged.retry_after_s == 0
