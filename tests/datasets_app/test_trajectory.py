import json

from datasets_app.prm800k import prm800k_from_json
from datasets_app.trajectory import PathStep, Trajectory, trajectory
from tests.datasets_app.prm800k_json import Json, candidate, human, phase_1, phase_2, position
from tests.shared_data import shared_file


def path_through(*positions: Json) -> Trajectory:
    value = phase_1()
    value["label"]["steps"] = list(positions)
    return trajectory(prm800k_from_json(value))


def test_the_paths_of_the_real_records_have_their_known_lengths() -> None:
    records = [
        prm800k_from_json(json.loads(line))
        for line in shared_file("prm800k.jsonl").read_text().splitlines()
    ]
    paths = [trajectory(record) for record in records]

    assert [len(path.steps) for path in paths] == [6, 6, 5, 7, 8, 12]
    ends = [record.finish_reason == "found_error" for record in records]
    assert [path.error is not None for path in paths] == ends
    assert ends.count(True) == 1


def test_a_chosen_candidate_goes_on_with_its_text_and_rating() -> None:
    path = path_through(position([candidate("No.", -1), candidate("Yes.", 0)], chosen=1))
    assert path == Trajectory(steps=(PathStep(text="Yes.", rating=0, source="model"),), error=None)


def test_a_human_step_goes_on_with_its_text_and_counts_as_positive() -> None:
    path = path_through(
        position([candidate("No.", -1), candidate("Hm.", 0)], written=human("Mine."))
    )
    assert path.steps == (PathStep(text="Mine.", rating=1, source="human"),)
    assert path.error is None


def test_an_error_that_nothing_was_chosen_after_ends_the_path_and_stands_apart() -> None:
    path = trajectory(prm800k_from_json(phase_2()))
    assert path == Trajectory(
        steps=(PathStep(text="I add.", rating=0, source="model"),),
        error=PathStep(text="That makes 6.", rating=-1, source="model"),
    )


def test_unfinished_stubs_are_dropped() -> None:
    step = position([candidate("Yes.")], chosen=0)
    unrated = position([candidate("?", None), candidate("??", None)])
    for stub in (position(None), position([]), unrated):
        path = path_through(step, stub)
        assert [step.text for step in path.steps] == ["Yes."]
        assert path.error is None


def test_nothing_behind_the_end_of_the_path_is_part_of_it() -> None:
    path = path_through(position(None), position([candidate("Yes.")], chosen=0))
    assert path == Trajectory(steps=(), error=None)
