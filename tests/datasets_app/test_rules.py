"""The rules of a version: read, refused by field, said in words."""

from typing import Any

import pytest

from datasets_app.rule_words import in_words
from datasets_app.rules import USUAL_REASONS, BadRules, Rules, Splits


def test_rules_come_back_as_they_were_written() -> None:
    rules = Rules.from_json(
        {"generations": [1, None], "splits": {"shares": {"a": 0.5, "b": 0.5}}, "held_out": ["x"]}
    )
    assert Rules.from_json(rules.as_json()) == rules
    assert Rules.from_json({}) == Rules()


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ([], ""),
        ({"mark": "people"}, "mark"),
        ({"marks": "some"}, "marks"),
        ({"marks": "labeler"}, "labeler"),
        ({"labeler": "x"}, "labeler"),
        ({"finish_reasons": []}, "finish_reasons"),
        ({"generations": ["one"]}, "generations[0]"),
        ({"minimum_agreement": 2}, "minimum_agreement"),
        ({"marks": "verdicts", "minimum_agreement": 0.5}, "minimum_agreement"),
        ({"splits": {"shares": {"train": 0.5}}}, "splits.shares"),
        ({"splits": {"shares": {"../x": 1}}}, "splits.shares"),
        ({"splits": {"shares": {"all": 1}}}, "splits.shares"),
        ({"max_per_problem": 0}, "max_per_problem"),
        ({"max_per_problem": 1e30}, "max_per_problem"),
        ({"generations": []}, "generations"),
        ({"subjects": ["\u0000"]}, "subjects[0]"),
        ({"held_out": ["\ud800"]}, "held_out[0]"),
        ({"splits": {"shares": {"train\n": 1}}}, "splits.shares"),
        ({"marks": "verdicts", "without_labelers": ["bob"]}, "without_labelers"),
        ({"marks": "outcomes", "surplus": True}, "surplus"),
        ({"marks": "outcomes", "finish_reasons": ["solution"]}, "finish_reasons"),
        ({"marks": "verdicts", "finish_reasons": ["bad_problem"]}, "finish_reasons"),
        ({"neutral": "maybe"}, "neutral"),
    ],
)
def test_wrong_rules_are_refused_by_field(given: Any, where: str) -> None:
    with pytest.raises(BadRules) as refused:
        Rules.from_json(given)
    assert list(refused.value.errors) == [where]


def test_shares_are_kept_and_a_larger_share_holds_the_smaller() -> None:
    small = Splits(shares={"a": 0.2, "b": 0.8}, seed=1)
    large = Splits(shares={"a": 0.4, "b": 0.6}, seed=1)
    keys = [str(n) for n in range(4_000)]
    in_small = {key for key in keys if small.split_of(key) == "a"}
    in_large = {key for key in keys if large.split_of(key) == "a"}
    assert in_small < in_large
    assert 0.17 < len(in_small) / len(keys) < 0.23
    assert Splits(shares={"a": 0.2, "b": 0.8}, seed=2).split_of(keys[0]) in ("a", "b")


def test_a_split_without_a_share_is_empty() -> None:
    splits = Splits(shares={"train": 1.0, "validation": 0.0})
    assert {splits.split_of(str(n)) for n in range(1_000)} == {"train"}


def test_every_rule_is_said() -> None:
    usual = in_words(Rules())
    assert usual[0] == "Each person's marks count by themselves."
    everything = {
        "marks": "labeler", "labeler": "Ada", "finish_reasons": ["give_up"], "generations": [3],
        "correctness": "wrong", "minimum_agreement": 0.6, "without_labelers": ["Bob"],
        "minimum_quality": 0.8, "quality_control": True, "screening": True, "surplus": True,
        "sources": ["math"], "subjects": ["Algebra"], "levels": ["5"], "max_per_problem": 4,
        "neutral": "drop", "truncate": True, "alternatives": "none", "held_out": ["eval"],
        "splits": {"by": "problem"},
    }  # fmt: skip
    said = " ".join(in_words(Rules.from_json(everything)))
    for words in ("Ada", "gave up", "generations: 3", "wrong", "60%", "Bob", "80%", "at the lower",
                  "Quality-control solutions are in", "Screening solutions are in", "Late work",
                  "math", "Algebra", "levels: 5", "At most 4", "dropped", "end with their first",
                  "Alternatives are left out", "eval", "its source gives"):  # fmt: skip
        assert words in said, words


@pytest.mark.parametrize("marks", ["verdicts", "outcomes"])
def test_without_annotations_only_bad_problems_can_be_asked_for(marks: str) -> None:
    rules = Rules.from_json({"marks": marks})
    every = Rules.from_json({"marks": marks, "finish_reasons": [*USUAL_REASONS, "bad_problem"]})
    assert "reported as bad are left out" in " ".join(in_words(rules))
    assert "reported as bad are in." in " ".join(in_words(every))
    assert "reported" not in " ".join(in_words(Rules()))
