import json

import pytest

from datasets_app.marked import Stop
from datasets_app.path import NEGATIVE
from tests.datasets_app.marked_json import marked
from tests.datasets_app.prm800k_json import Json, candidate, human, phase_2, position
from tests.shared_data import shared_file


def path_through(*positions: Json) -> list[Stop]:
    record = phase_2()
    record["label"]["steps"] = list(positions)
    return list(marked(record).path())


def said(*positions: Json) -> list[tuple[str | None, int | None, list[str]]]:
    """Return text and rating of each stop, with the texts of the candidates passed by."""
    return [
        (
            stop.step.text if stop.step else None,
            stop.step.rating if stop.step else None,
            [other.text for other in stop.alternatives],
        )
        for stop in path_through(*positions)
    ]


def test_the_paths_of_the_real_records_have_their_known_lengths() -> None:
    labels = [
        json.loads(line)["label"] for line in shared_file("prm800k.jsonl").read_text().splitlines()
    ]
    paths = [[stop.step for stop in path_through(*label["steps"]) if stop.step] for label in labels]
    right = [[step for step in path if step.rating != NEGATIVE] for path in paths]

    assert [len(path) for path in right] == [6, 6, 5, 7, 8, 12]
    is_error = [label["finish_reason"] == "found_error" for label in labels]
    assert [len(path) - len(kept) for path, kept in zip(paths, right, strict=True)] == is_error
    assert is_error.count(True) == 1


def test_a_chosen_candidate_goes_on_with_its_text_and_rating() -> None:
    offered = position([candidate("No.", -1), candidate("Yes.", 0)], chosen=1)
    assert said(offered) == [("Yes.", 0, ["No."])]


def test_a_human_step_goes_on_with_its_text_and_counts_as_positive() -> None:
    offered = [candidate("No.", -1), candidate("Hm.", 0)]
    assert said(position(offered, written=human("Mine."))) == [("Mine.", 1, ["No.", "Hm."])]
    (stop,) = path_through(position(offered, written=human("Mine.")))
    assert stop.step
    assert stop.step.is_human


def test_where_nothing_was_chosen_beside_an_error_the_first_candidate_is_it() -> None:
    assert said(*phase_2()["label"]["steps"]) == [
        ("I add.", 0, []),
        ("That makes 6.", -1, ["That makes 5."]),
    ]


def test_a_path_goes_on_behind_an_error_as_models_do() -> None:
    after = position([candidate("So 7.")], chosen=0)
    path = said(position([candidate("It is 6.", -1)]), after)
    assert path == [("It is 6.", -1, []), ("So 7.", 1, [])]


@pytest.mark.parametrize("offered", [None, [], [candidate("?", None), candidate("??", 0)]])
def test_an_unfinished_stub_is_the_end_and_no_step(offered: list[Json] | None) -> None:
    step = position([candidate("Yes.")], chosen=0)
    texts = [one["text"] for one in offered or []]
    assert said(step, position(offered), step) == [("Yes.", 1, []), (None, None, texts)]
