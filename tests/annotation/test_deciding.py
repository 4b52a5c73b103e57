"""What a policy makes of one solution, as plain values."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.deciding import Way, decide, priority
from annotation.findings import (
    NO_ERROR,
    Agreed,
    Case,
    Finding,
    Label,
    confidence,
    majority,
    step_verdicts,
)
from annotation.policy import Order, Policy

KEY = UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")
FIRST_ERRORS = st.one_of(st.none(), st.integers(-1, 4))


def model(name: str, first_error: int | None, sure: float | None = 1.0, **fields: Any) -> Finding:
    fields = {"annotation": len(name), **fields}
    return Finding(role="model", labeler=name, first_error=first_error, confidence=sure, **fields)


def people(*first_errors: int | None) -> list[Finding]:
    return [
        Finding(role="person", annotation=100 + place, first_error=first_error)
        for place, first_error in enumerate(first_errors)
    ]


def reviewer(first_error: int | None) -> Finding:
    return Finding(role="reviewer", annotation=900, first_error=first_error)


def policy(**parts: Any) -> Policy:
    return Policy.from_json({"first": ["prm", "judge"], **parts})


ACCEPTING = policy(accept=[{"labelers": {"prm": 0.9, "judge": 0.5}}], people=[{"how_many": 2}])


def way(rules: Policy, *findings: Finding, **fields: Any) -> tuple[Way, str]:
    decision = decide(rules, Case(key=KEY, findings=findings, **fields))
    return decision.way, decision.rule


def test_solutions_wait_for_the_models_that_mark_first() -> None:
    assert way(ACCEPTING) == (Way.MODELS, "first")
    assert way(ACCEPTING, model("prm", 1)) == (Way.MODELS, "first")


def test_a_model_that_came_to_nothing_is_not_waited_for() -> None:
    silent = frozenset({"judge"})
    assert way(ACCEPTING, model("prm", 1), silent=silent) == (Way.PEOPLE, "people 1: rest")


def test_while_a_model_is_waited_for_again_a_majority_is_of_all_who_were_asked() -> None:
    rules = policy(people=[{"how_many": 3}])
    waiting = (Way.MODELS, "first")
    assert way(rules, model("prm", 1), *people(1), people=3) == waiting
    assert way(rules, model("prm", 1), *people(1, 1), people=3) == (Way.DECIDED, "people agree")
    assert way(rules, model("prm", 1), *people(1), people=1) == (Way.DECIDED, "people agree")
    assert decide(rules, Case(key=KEY, findings=people(1), people=3)).people is None


def test_marks_that_nobody_was_asked_for_decide_nothing_before_the_models_have_marked() -> None:
    rules = policy(people=[{"when": "disagreement", "how_many": 3}, {"how_many": 1}])
    assert way(rules, *people(1)) == (Way.MODELS, "first")
    agreeing = [model("prm", 1), model("judge", 1)]
    assert way(rules, *agreeing, *people(1)) == (Way.DECIDED, "people agree")
    differing = [model("prm", 1), model("judge", 2)]
    assert way(rules, *differing, *people(1)) == (Way.PEOPLE, "people 1: disagreement")


@pytest.mark.parametrize("first_error", [NO_ERROR, 0, 3])
def test_models_that_agree_and_are_sure_are_accepted(first_error: int) -> None:
    found = [model("prm", first_error, 0.9), model("judge", first_error, 0.5)]
    decision = decide(ACCEPTING, Case(key=KEY, findings=found))
    assert (decision.way, decision.rule, decision.people) == (Way.ACCEPTED, "accept 1", 0)
    assert decision.agreed is not None
    assert decision.agreed.first_error == first_error
    assert len(decision.agreed.counted) == 2


@pytest.mark.parametrize(
    ("prm", "judge"),
    [
        (model("prm", 1, 0.89), model("judge", 1, 0.9)),
        (model("prm", 1, 0.9), model("judge", 2, 0.9)),
        (model("prm", 1, 0.9), model("judge", NO_ERROR, 0.9)),
        (model("prm", None, None), model("judge", None, None)),
        (model("prm", 1, 0.9), model("judge", 1, None)),
    ],
)
def test_models_that_differ_or_are_not_sure_are_not_accepted(prm: Finding, judge: Finding) -> None:
    assert way(ACCEPTING, prm, judge) == (Way.PEOPLE, "people 1: rest")


def test_a_labeler_without_a_score_meets_a_confidence_of_nothing() -> None:
    rules = policy(first=["judge"], accept=[{"labelers": {"judge": 0}}])
    assert way(rules, model("judge", 2, None)) == (Way.ACCEPTED, "accept 1")


def test_an_audited_solution_goes_to_people_and_is_decided_by_the_models_until_they_speak() -> None:
    rules = policy(accept=[{"labelers": {"prm": 0.5}, "audit_share": 1}], people=[{"how_many": 0}])
    found = [model("prm", 1), model("judge", 1)]
    decision = decide(rules, Case(key=KEY, findings=found))
    assert (decision.way, decision.rule, decision.people) == (
        Way.PEOPLE, "audit of accept 1", 1
    )  # fmt: skip
    assert decision.agreed is not None
    assert decision.agreed.rule == "accept 1"
    spoken = decide(rules, Case(key=KEY, findings=[*found, *people(3)]))
    assert spoken.agreed is not None
    assert (spoken.way, spoken.agreed.first_error) == (Way.DECIDED, 3)


@pytest.mark.parametrize(
    ("findings", "is_correct", "rule"),
    [
        ([model("prm", 1), model("judge", 2)], None, "people 1: disagreement"),
        ([model("prm", 1), model("judge", 1)], False, "people 2: wrong_answer"),
        ([model("prm", 1), model("judge", None)], True, "people 3: no_finding"),
        ([model("prm", 1), model("judge", 1)], True, "people 4: right_answer"),
        ([model("prm", 1), model("judge", 1)], None, "people 5: rest"),
    ],
)
def test_the_first_rule_that_holds_says_how_many_people(
    findings: list[Finding], is_correct: bool | None, rule: str
) -> None:
    conditions = ["disagreement", "wrong_answer", "no_finding", "right_answer", "rest"]
    rules = policy(people=[{"when": when, "how_many": n} for n, when in enumerate(conditions, 1)])
    decision = decide(rules, Case(key=KEY, is_correct=is_correct, findings=findings))
    assert (decision.way, decision.rule) == (Way.PEOPLE, rule)
    assert decision.people == int(rule[7])


def test_what_no_rule_is_for_goes_to_nobody() -> None:
    rules = Policy.from_json({"people": [{"when": "wrong_answer", "how_many": 1}]})
    assert way(rules, is_correct=True) == (Way.NOBODY, "no rule for people")


def test_people_who_find_no_majority_leave_it_to_a_reviewer_once_all_have_finished() -> None:
    rules = Policy.from_json({"people": [{"how_many": 2}]})
    assert way(rules, *people(1)) == (Way.PEOPLE, "people 1: rest")
    assert way(rules, *people(1, 1)) == (Way.DECIDED, "people agree")
    assert way(rules, *people(1, 2)) == (Way.REVIEWER, "people disagree: no majority")
    assert way(rules, *people(None, None)) == (Way.REVIEWER, "people disagree: no majority")
    assert way(rules, *people(1, None)) == (Way.DECIDED, "people agree")


def test_any_disagreement_goes_to_a_reviewer_where_that_is_asked_for() -> None:
    rules = Policy.from_json({"people": [{"how_many": 3}], "review": {"disagreement": "any"}})
    assert way(rules, *people(1, 2)) == (Way.REVIEWER, "people disagree")
    decision = decide(rules, Case(key=KEY, findings=people(1, 2, 2)))
    assert decision.way == Way.REVIEWER
    assert decision.agreed is not None
    assert decision.agreed.first_error == 2


def test_a_person_who_contradicts_a_sure_model_leaves_it_to_a_reviewer() -> None:
    rules = policy(review={"contradicted": {"prm": 0.9}})
    judge = model("judge", 1)
    contradicted = (Way.REVIEWER, "people contradict prm")
    assert way(rules, model("prm", 1, 0.9), judge, *people(2)) == contradicted
    assert way(rules, model("prm", 1, 0.9), judge, *people(1)) == (Way.DECIDED, "people agree")
    assert way(rules, model("prm", 1, 0.8), judge, *people(2)) == (Way.DECIDED, "people agree")


def test_a_reviewers_word_ends_it() -> None:
    rules = policy(review={"disagreement": "any", "contradicted": {"prm": 0}})
    found = [model("prm", 1), *people(2, 3), reviewer(NO_ERROR)]
    decision = decide(rules, Case(key=KEY, findings=found))
    assert decision.way == Way.DECIDED
    assert decision.agreed == Agreed(rule="reviewer", first_error=NO_ERROR, counted=[found[-1]])


def test_a_reviewer_who_cannot_tell_leaves_it_undecided() -> None:
    decision = decide(ACCEPTING, Case(key=KEY, findings=[*people(1, 1), reviewer(None)]))
    assert (decision.way, decision.agreed) == (Way.DECIDED, None)


@given(st.lists(FIRST_ERRORS), st.integers(0, 6))
def test_a_majority_is_more_than_half_whatever_comes(
    first_errors: Sequence[int | None], wanted: int
) -> None:
    found = majority(people(*first_errors), wanted=wanted)
    voices = [one for one in first_errors if one is not None]
    if found is None:
        assert all(2 * voices.count(one) <= max(len(voices), wanted) for one in voices)
    else:
        assert 2 * voices.count(found) > len(voices)
    backwards = majority(people(*reversed(first_errors)), wanted=wanted)
    assert found == backwards


@given(st.lists(FIRST_ERRORS, max_size=4), st.lists(FIRST_ERRORS, max_size=4))
def test_what_a_majority_of_all_has_said_cannot_change_any_more(
    before: list[int | None], after: list[int | None]
) -> None:
    wanted = len(before) + len(after)
    found = majority(people(*before), wanted=wanted)
    if found is not None:
        assert majority(people(*before, *after), wanted=wanted) == found


MARKS = st.lists(
    st.tuples(st.sampled_from([0, 1]), st.one_of(st.none(), st.floats(0, 1))), max_size=5
)


@st.composite
def annotated(draw: st.DrawFn) -> tuple[list[Finding], dict[int, dict[int, Label]]]:
    """Draw people who mark the steps of a solution up to their first error."""
    found, labels = [], {}
    n_steps = draw(st.integers(1, 5))
    for place in range(draw(st.integers(1, 5))):
        first_error = draw(st.integers(-1, n_steps - 1))
        last = n_steps - 1 if first_error == NO_ERROR else first_error
        ratings = [draw(st.sampled_from([0, 1])) for _ in range(last + 1)]
        if first_error != NO_ERROR:
            ratings[-1] = -1
        labels[place] = {
            position: Label(rating=rating, score=draw(st.one_of(st.none(), st.floats(0, 1))))
            for position, rating in enumerate(ratings)
        }
        found.append(Finding(annotation=place, role="person", first_error=first_error))
    return found, labels


@given(annotated())
def test_verdicts_cover_the_steps_up_to_the_agreed_error_and_no_more(
    drawn: tuple[list[Finding], dict[int, dict[int, Label]]],
) -> None:
    found, labels = drawn
    decision = decide(Policy(), Case(key=uuid4(), findings=found))
    agreed = decision.agreed
    if agreed is None:
        assert decision.way == Way.REVIEWER
        return
    verdicts = list(step_verdicts(agreed, labels))
    agreeing = next(one for one in found if one.first_error == agreed.first_error)
    assert [one.position for one in verdicts] == sorted(labels[agreeing.annotation])
    wrong = [one.position for one in verdicts if one.rating == -1]
    assert wrong == ([] if agreed.first_error == NO_ERROR else [agreed.first_error])
    for one in verdicts:
        assert 0 <= one.soft <= 1
        assert set(one.annotations) == {a for a, of in labels.items() if one.position in of}


@given(annotated(), st.randoms())
def test_the_order_in_which_people_finish_decides_nothing(
    drawn: tuple[list[Finding], dict[int, dict[int, Label]]], shuffled: Any
) -> None:
    found, labels = drawn
    key, other = uuid4(), list(found)
    shuffled.shuffle(other)

    def verdicts(findings: list[Finding]) -> list[Any]:
        agreed = decide(Policy(), Case(key=key, findings=findings)).agreed
        if agreed is None:
            return []
        said = step_verdicts(agreed, labels)
        return [(v.position, v.rating, round(v.soft, 9), v.annotations) for v in said]

    assert verdicts(found) == verdicts(other)


def verdicts_of(labels: Mapping[int, Sequence[int | None]], first_error: int) -> list[Any]:
    found = [
        Finding(
            annotation=pk,
            role="person",
            first_error=next((p for p, rating in enumerate(of) if rating == -1), NO_ERROR),
        )
        for pk, of in labels.items()
    ]
    agreed = Agreed(rule="people agree", first_error=first_error, counted=found)
    marks = {
        pk: {p: Label(rating=r, score=None) for p, r in enumerate(of) if r is not None}
        for pk, of in labels.items()
    }
    return [(v.rating, round(v.soft, 3), v.annotations) for v in step_verdicts(agreed, marks)]


def test_great_needs_more_than_half_and_soft_values_keep_who_was_outvoted() -> None:
    labels = {1: [1, 1, -1], 2: [0, 1, -1], 3: [1, -1]}
    assert verdicts_of(labels, 2) == [
        (0, 1.0, (1, 2, 3)),
        (1, 0.667, (1, 2, 3)),
        (-1, 0.0, (1, 2)),
    ]


def test_a_step_that_nobody_rated_gets_no_verdict() -> None:
    assert verdicts_of({1: [None, 1, -1]}, 2) == [(1, 1.0, (1,)), (-1, 0.0, (1,))]


@pytest.mark.parametrize(
    ("first_error", "at_error", "lowest", "whole", "sure"),
    [
        (2, 0.1, 0.1, 0.3, 0.9),
        (2, None, None, 0.3, 0.7),
        (2, None, None, None, None),
        (NO_ERROR, None, 0.6, 0.8, 0.8),
        (NO_ERROR, None, 0.6, None, 0.6),
        (None, 0.1, 0.1, 0.1, None),
    ],
)
def test_how_sure_a_model_is_follows_from_its_scores(
    first_error: int | None,
    at_error: float | None,
    lowest: float | None,
    whole: float | None,
    sure: float | None,
) -> None:
    found = confidence(first_error, at_error=at_error, lowest=lowest, whole=whole)
    assert found == pytest.approx(sure)


def test_people_get_first_what_the_policy_asks_for() -> None:
    sure = Case(key=KEY, is_correct=True, findings=[model("prm", NO_ERROR, score=0.95)])
    torn = Case(key=KEY, is_correct=True, findings=[model("prm", 1, score=0.5)])
    fooled = Case(
        key=uuid4(),
        is_correct=False,
        findings=[model("prm", NO_ERROR, score=0.9), model("judge", 1), model("other", 1)],
    )
    unknown = Case(key=uuid4())

    def order(by: Any) -> list[Case]:
        rule = Order(by=by, score_of="prm")
        return sorted(
            [unknown, sure, torn, fooled], key=lambda case: priority(rule, case), reverse=True
        )

    assert order("uncertain")[:3] == [torn, fooled, sure]
    assert order("convincing") == [fooled, sure, torn, unknown]
    assert order("disagreement")[0] == fooled
    assert order("oldest") == [unknown, sure, torn, fooled]
    assert priority(Order(by="random"), sure) == priority(Order(by="random"), torn)
    assert priority(Order(by="random"), sure) != priority(Order(by="random"), fooled)
    assert priority(Order(by="convincing"), Case(key=KEY, verifier_score=0.25)) == 0.25
