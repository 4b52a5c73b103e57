"""Policies: read and written without loss, refused with the field's name, said in plain words."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.policy import BadPolicy, Policy, falls_in, spread
from annotation.policy_words import in_words

WHOLE: dict[str, Any] = {
    "first": ["prm", "judge"],
    "accept": [{"labelers": {"prm": 0.9, "judge": 0.5}, "audit_share": 0.05}],
    "people": [{"when": "disagreement", "how_many": 3}, {"when": "rest", "how_many": 1}],
    "order": {"by": "uncertain", "score_of": "prm"},
    "review": {"disagreement": "any", "contradicted": {"judge": 0.95}},
    "blind_share": 0.75,
}


def errors_of(value: Any) -> dict[str, str]:
    with pytest.raises(BadPolicy) as error:
        Policy.from_json(value)
    return error.value.errors


def test_a_policy_is_written_as_it_was_read() -> None:
    assert Policy.from_json(WHOLE).as_json() == WHOLE


def test_a_whole_number_may_be_written_as_a_decimal_one() -> None:
    policy = Policy.from_json({"people": [{"how_many": 2.0}]})
    assert isinstance(policy.people[0].how_many, int)


def test_an_empty_policy_sends_every_solution_to_one_person() -> None:
    policy = Policy.from_json({})
    assert policy == Policy()
    assert [(rule.when, rule.how_many) for rule in policy.people] == [("rest", 1)]
    assert Policy.from_json(policy.as_json()) == policy


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ([], ""),
        ({"frist": []}, ""),
        ({"first": "prm"}, "first"),
        ({"first": ["prm"], "accept": [{"labelers": {"prm": 2}}]}, "accept[0].labelers.prm"),
        ({"accept": [{"labelers": {}}]}, "accept[0].labelers"),
        ({"accept": [{"labelers": {"prm": 0.5}}]}, "accept[0].labelers.prm"),
        ({"people": [{"when": "never", "how_many": 1}]}, "people[0].when"),
        ({"people": [{"how_many": -1}]}, "people[0].how_many"),
        ({"people": [{"how_many": 1}, {"when": "wrong_answer", "how_many": 2}]}, "people[0].when"),
        ({"order": {"by": "newest"}}, "order.by"),
        ({"first": ["prm"], "order": {"by": "uncertain"}}, "order.score_of"),
        ({"order": {"by": "convincing", "score_of": "prm"}}, "order.score_of"),
        ({"review": {"contradicted": {"prm": 0.5}}}, "review.contradicted.prm"),
        ({"first": ["no\x00body"]}, "first[0]"),
        ({"review": {"contradicted": {"\ud800": 0.5}}}, "review.contradicted"),
        ({"blind_share": 1.5}, "blind_share"),
        ({"blind_share": "half"}, "blind_share"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(value: Any, field: str) -> None:
    assert list(errors_of(value)) == [field]


def test_all_that_is_wrong_is_said_at_once() -> None:
    value = {"blind_share": 2, "order": {"by": "newest"}}
    assert set(errors_of(value)) == {"blind_share", "order.by"}


def test_each_rule_is_said_in_plain_words() -> None:
    said = in_words(Policy.from_json(WHOLE))
    assert said == [
        "First, every solution is marked by: prm, judge.",
        "Accepted without a person where all of these find the same first mistake, or none, each "
        "with at least this confidence: prm (90%), judge (50%).",
        "Of these, 5% go to people nevertheless, as an audit.",
        "Solutions on whose first mistake the models disagree – people who mark each: 3.",
        "All other solutions – people who mark each: 1.",
        "People get the most uncertain solutions first. The score is that of prm.",
        "A reviewer decides where any two people find different first mistakes.",
        "A reviewer decides, too, where a person contradicts one of these that has at least this "
        "confidence: judge (95%).",
        "The models' marks are shown to people beside 25% of the assignments.",
    ]


def test_the_words_can_be_translated() -> None:
    said = in_words(Policy.from_json(WHOLE), lambda text: f"«{text}»")
    assert all(sentence.startswith("«") for sentence in said)


def test_what_no_rule_is_for_goes_to_nobody() -> None:
    policy = Policy.from_json({"people": [{"when": "wrong_answer", "how_many": 1}]})
    assert "All that is left goes to nobody." in in_words(policy)


@given(key=st.uuids(), share=st.floats(0, 1), more=st.floats(0, 1))
def test_a_larger_share_holds_every_smaller_one(key: UUID, share: float, more: float) -> None:
    small, large = sorted((share, more))
    assert not falls_in(small, "audit", key) or falls_in(large, "audit", key)
    assert not falls_in(0.0, "audit", key)
    assert falls_in(1.0, "audit", key)


def test_a_share_is_about_as_large_as_it_says_and_the_same_on_every_machine() -> None:
    keys = [UUID(int=n) for n in range(4000)]
    assert 700 < sum(falls_in(0.2, "audit", key) for key in keys) < 900
    assert spread("6f9619ff-8b86-d011-b42d-00c04fc964ff") == pytest.approx(0.2591, abs=0.0001)
    chosen = {key for key in keys if falls_in(0.5, "audit", key)}
    others = {key for key in keys if falls_in(0.5, "blind", key)}
    assert chosen != others
