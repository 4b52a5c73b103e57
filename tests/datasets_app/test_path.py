import json

import pytest

from datasets_app.path import NEGATIVE, Stop, follow
from tests.datasets_app.prm800k_json import Json, candidate, human, phase_2, position
from tests.shared_data import shared_file


def path_through(*positions: Json) -> list[Stop]:
    return list(follow(positions))


def test_the_paths_of_the_real_records_have_their_known_lengths() -> None:
    labels = [
        json.loads(line)["label"] for line in shared_file("prm800k.jsonl").read_text().splitlines()
    ]
    paths = [[stop for stop in follow(label["steps"]) if stop.text] for label in labels]
    right = [[stop for stop in path if stop.rating != NEGATIVE] for path in paths]

    assert [len(path) for path in right] == [6, 6, 5, 7, 8, 12]
    is_error = [label["finish_reason"] == "found_error" for label in labels]
    assert [len(path) - len(kept) for path, kept in zip(paths, right, strict=True)] == is_error
    assert is_error.count(True) == 1


def test_a_chosen_candidate_goes_on_with_its_text_and_rating() -> None:
    no = candidate("No.", -1)
    assert path_through(position([no, candidate("Yes.", 0)], chosen=1)) == [Stop("Yes.", 0, [no])]


def test_a_human_step_goes_on_with_its_text_and_counts_as_positive() -> None:
    offered = [candidate("No.", -1), candidate("Hm.", 0)]
    assert path_through(position(offered, written=human("Mine."))) == [Stop("Mine.", 1, offered)]


def test_where_nothing_was_chosen_beside_an_error_the_first_candidate_is_it() -> None:
    assert list(follow(phase_2()["label"]["steps"])) == [
        Stop("I add.", 0, []),
        Stop("That makes 6.", -1, [candidate("That makes 5.")]),
    ]


def test_a_path_goes_on_behind_an_error_as_models_do() -> None:
    after = position([candidate("So 7.")], chosen=0)
    path = path_through(position([candidate("It is 6.", -1)]), after)
    assert [(stop.text, stop.rating) for stop in path] == [("It is 6.", -1), ("So 7.", 1)]


@pytest.mark.parametrize("offered", [None, [], [candidate("?", None), candidate("??", 0)]])
def test_an_unfinished_stub_is_the_end_and_no_step(offered: list[Json] | None) -> None:
    step = position([candidate("Yes.")], chosen=0)
    path = path_through(step, position(offered), step)
    assert path == [Stop("Yes.", 1, []), Stop(None, None, offered or [])]
