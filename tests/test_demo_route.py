"""Real solutions marked by models and routed by a policy, as a newcomer runs it."""

import re

import pytest

from tests.place import Stepmark
from tests.shared_data import shared_file


@pytest.mark.slow
@pytest.mark.xdist_group("both cores")
@pytest.mark.timeout(900)
def test_real_solutions_are_marked_by_four_labelers_and_routed(place: Stepmark) -> None:
    file = shared_file("gsm8k_model_solutions.jsonl")
    printed = place.manage(f"demo_route {file} --problems 2", seconds=800).stdout
    marked = dict(re.findall(r"(arithmetic|outcome|consistency|smollm2-judge) +│ +(\d+) ", printed))
    assert {marked[name] for name in ("arithmetic", "outcome", "consistency")} == {"8"}
    assert int(marked["smollm2-judge"]) > 0
    assert re.search(r"outcome .* 8 of 8 100 %", printed)
    routed = printed[printed.index("Routed") : printed.index("What each")]
    assert sum(int(count) for count in re.findall(r"│ +(\d+) +│", routed)) == 8
    again = place.manage(f"demo_route {file} --problems 2", seconds=300).stdout
    assert "nothing to add, 8 of 8 done before" in again


@pytest.mark.slow
def test_a_file_that_cannot_be_read_says_what_is_needed(place: Stepmark) -> None:
    refused = place.manage("demo_route nowhere.jsonl", check=False)
    assert refused.returncode == 1
    assert "make demo-route SOLUTIONS=FILE" in refused.stderr
