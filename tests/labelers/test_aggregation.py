"""From the scores of steps to the score of a solution."""

import json

import pytest

from labelers.aggregation import AGGREGATIONS, aggregate, step_score
from tests.shared_data import shared_file
from web.registry import UnknownName


def test_the_product_gives_the_published_prm_scores_to_the_last_digit() -> None:
    lines = shared_file("prm800k_scored_samples.jsonl").read_text().splitlines()
    assert lines
    for line in lines:
        scored = json.loads(line)
        steps = [step_score(probabilities) for probabilities in scored["rating_probs"]]
        assert aggregate("product", steps) == scored["prm_score"]


@pytest.mark.parametrize(
    ("name", "expected"), [("product", 0.0625), ("min", 0.25), ("last", 0.5), ("mean", 0.5625)]
)
def test_each_aggregation_of_the_same_steps(name: str, expected: float) -> None:
    assert aggregate(name, [1.0, 0.25, 0.5, 0.5]) == expected


@pytest.mark.parametrize("name", AGGREGATIONS)
def test_no_steps_is_an_error_and_not_the_best_score_of_all(name: str) -> None:
    with pytest.raises(ValueError, match="no step scores"):
        aggregate(name, [])


def test_an_unknown_aggregation_names_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="min"):
        aggregate("median", [0.5])


def test_a_step_is_as_good_as_it_is_not_incorrect() -> None:
    assert step_score({"-1": 0.25, "0": 0.25, "1": 0.5}) == 0.75
    assert step_score({"-1": 0.0, "0": 0.5, "1": 0.5 + 2**-52}) == 1.0
