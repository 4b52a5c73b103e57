"""Freezing: what is selected, that it never changes, and that it is the same again."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import orjson
import pytest

from annotation import runs, webhooks
from annotation.models import Project, Solution, StepLabel
from datasets_app import stored
from datasets_app.held_out import hold_out
from datasets_app.importers import read_records
from datasets_app.models import Snapshot
from datasets_app.records import ProblemRecord
from datasets_app.rules import BadRules, Rules
from datasets_app.snapshots import Refused, Wanted, add_formats, freeze, freeze_slice
from tests.datasets_app.frozen import dataset_of, frozen, lines_of, rows_of, solutions_of, texts_of
from tests.datasets_app.loaded import load_json
from tests.datasets_app.prm800k_json import candidate, phase_1, phase_2, position
from tests.factories import (
    make_annotation,
    make_labeler,
    make_problem,
    make_project,
    make_solution,
    make_user,
    make_verdict,
)
from tests.shared_data import shared_file
from web.models import Delivery

pytestmark = pytest.mark.django_db(transaction=True)
Json = dict[str, Any]


def record(number: int, *, labeler: int = 0, error: bool = True, **changed: Any) -> Json:
    """Return the marks of a labeler on the only solution of a problem."""
    made = deepcopy(phase_2())
    made["labeler"] = f"cc88bf76-df08-4041-be67-{labeler:012d}"
    made["question"]["problem"] = f"What is $2+{number}$?"
    made["question"]["pre_generated_steps"] = ["I add.", "That makes 6."]
    last = candidate("That makes 6.", -1 if error else 1)
    made["label"]["steps"] = [
        position([candidate("I add.", 0)], chosen=0),
        position([last], chosen=None if error else 0),
    ]
    made["label"]["finish_reason"] = "found_error" if error else "solution"
    return {**made, **changed}


def project_of(*records: Json) -> Project:
    load_json(records)
    return Project.objects.get(slug="math")


def test_a_frozen_snapshot_has_every_solution_with_its_marks() -> None:
    project = project_of(record(1), record(2))
    snapshot = frozen(project, Wanted(format="prm800k", container="jsonl"))

    assert snapshot.state == Snapshot.State.FROZEN
    assert texts_of(solutions_of(snapshot)) == {"What is $2+1$?", "What is $2+2$?"}
    rows = rows_of(snapshot, "prm800k")
    assert sorted(rows, key=str) == sorted([record(1), record(2)], key=str)
    split = snapshot.manifest["splits"]["train"]
    assert (split["problems"], split["solutions"], split["marked"]) == (2, 2, 2)
    assert split["labels"] == {"-1": 2, "0": 2}
    assert split["first_error"] == {"1": 2}


def test_later_marks_do_not_leak_in_and_nothing_of_it_changes() -> None:
    project = project_of(record(1))
    snapshot = frozen(project)
    before = {file.path: (file.sha256, file.size) for file in snapshot.files.all()}
    StepLabel.objects.update(rating=1)
    load_json([record(2)])

    assert texts_of(solutions_of(snapshot)) == {"What is $2+1$?"}
    assert (
        solutions_of(snapshot)[0]["record"]["label"]["steps"][1]["completions"][0]["rating"] == -1
    )
    assert {file.path: (file.sha256, file.size) for file in snapshot.files.all()} == before
    assert frozen(project).content_hash != snapshot.content_hash


def test_the_same_rules_over_the_same_marks_give_the_same_bytes_wherever_they_were_loaded() -> None:
    records = [record(n, labeler=labeler) for n in range(12) for labeler in range(2)]
    first, second = (
        Wanted(format="trl-stepwise", container="jsonl.gz", name="a"),
        Wanted(format="prm800k", container="parquet", name="b"),
    )
    rules: Any = {
        "shard_solutions": 5,
        "splits": {"shares": {"train": 0.5, "test": 0.5}, "seed": 3},
    }
    load_json(records, "math")
    load_json(list(reversed(records)), "elsewhere")
    one = frozen(Project.objects.get(slug="math"), first, second, **rules)
    other = frozen(Project.objects.get(slug="elsewhere"), first, second, **rules)

    assert one.content_hash == other.content_hash
    data = {file.path: file.sha256 for file in one.files.exclude(kind="about")}
    assert data == {file.path: file.sha256 for file in other.files.exclude(kind="about")}
    assert len(data) > 8


def test_no_problem_is_in_two_splits_and_spellings_of_one_count_as_one() -> None:
    records = [record(n) for n in range(40)]
    twin = deepcopy(records[0])
    twin["question"]["problem"] = "  What is  $ 2 + 0 $ ?"
    project = project_of(*records, twin)
    snapshot = frozen(project, splits={"shares": {"train": 0.5, "test": 0.3, "validation": 0.2}})

    splits = {name: solutions_of(snapshot, name) for name in ("train", "test", "validation")}
    keys = {name: {one["problem_id"] for one in found} for name, found in splits.items()}
    assert all(keys.values())
    assert not keys["train"] & keys["test"]
    assert not (keys["train"] | keys["test"]) & keys["validation"]
    assert sum(len(found) for found in splits.values()) == 41
    assert sum(map(len, keys.values())) == 40
    assert snapshot.manifest["duplicates"] == 1


def test_the_problems_own_splits_are_kept_and_a_torn_problem_goes_to_the_one_not_for_training() -> (
    None
):
    project = make_project("math")
    for text, split in (
        ("One?", "train"),
        ("Two?", "test"),
        ("Three ?", "train"),
        ("Three?", "test"),
    ):
        solution = make_solution(make_problem(project, text, split=split))
        Solution.objects.filter(pk=solution.pk).update(is_correct=True)
    snapshot = frozen(project, marks="outcomes", splits={"by": "problem"})
    assert texts_of(solutions_of(snapshot, "train")) == {"One?"}
    assert texts_of(solutions_of(snapshot, "test")) == {"Two?", "Three ?", "Three?"}
    assert snapshot.manifest["torn"] == 1


def held_out_file(project: Project, path: Path, name: str = "eval") -> None:
    entries = list(read_records(path, ProblemRecord))
    hold_out(project=project, name=name, entries=entries)  # type: ignore[arg-type]


def test_held_out_problems_are_left_out_and_listed(tmp_path: Path) -> None:
    long = "Tom buys nine red kites and sells two of them to his friend for three dollars each day."
    project = project_of(record(1), record(2))
    solution = make_solution(make_problem(project, f"{long} How rich is he?"))
    Solution.objects.update(is_correct=True)
    path = tmp_path / "eval.jsonl"
    path.write_bytes(
        orjson.dumps({"text": "what is  $2 + 1$?"}) + b"\n" + orjson.dumps({"text": f"Now: {long}"})
    )
    held_out_file(project, path)
    snapshot = frozen(project, marks="outcomes", held_out=["eval"])

    assert texts_of(solutions_of(snapshot)) == {"What is $2+2$?"}
    listed = {one["why"].split(":")[0] for one in snapshot.manifest["held_out_problems"]}
    assert listed == {"the same problem", "shares 13 words"}
    assert snapshot.manifest["held_out"]["eval"]["left_out"] == 2
    assert solution.pk


def test_freezing_gsm8k_with_itself_held_out_leaves_nothing() -> None:
    path = shared_file("gsm8k_test.jsonl")
    project = make_project("gsm8k")
    for entry in list(read_records(path, ProblemRecord))[:200]:
        solution = make_solution(make_problem(project, entry.record.text))  # type: ignore[union-attr]
        Solution.objects.filter(pk=solution.pk).update(is_correct=True)
    held_out_file(project, path, "gsm8k_test.jsonl")
    snapshot = frozen(project, marks="outcomes", held_out=["gsm8k_test.jsonl"])

    assert snapshot.state == Snapshot.State.FAILED
    assert snapshot.run
    assert "all 200 problems are held out" in snapshot.run.error


def test_another_project_can_be_held_out_by_those_who_see_it() -> None:
    project, other = project_of(record(1), record(2)), make_project("secret")
    make_problem(other, "What is $2+2$?")
    assert texts_of(solutions_of(frozen(project, held_out=["project:secret"]))) == {
        "What is $2+1$?"
    }
    rules = Rules(held_out=("project:secret",))
    with pytest.raises(BadRules, match="nothing is held out"):
        freeze(dataset=dataset_of(project), rules=rules, user=make_user())


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, {1, 2}),
        ({"finish_reasons": ["solution"]}, {2}),
        ({"generations": [7]}, {2}),
        ({"generations": [None]}, set()),
        ({"quality_control": True}, {1, 2, 3}),
        ({"screening": True}, {1, 2, 4}),
        ({"marks": "models"}, set()),
        ({"marks": "labeler", "labeler": "cc88bf76-df08-4041-be67-000000000001"}, {2}),
        ({"without_labelers": ["cc88bf76-df08-4041-be67-000000000001"]}, {1}),
    ],
)
def test_rules_select(rules: Json, expected: set[int]) -> None:
    project = project_of(
        record(1),
        record(2, labeler=1, error=False, generation=7),
        record(3, is_quality_control_question=True),
        record(4, is_initial_screening_question=True),
    )
    assert texts_of(solutions_of(frozen(project, **rules))) == {
        f"What is $2+{n}$?" for n in expected
    }


def test_agreement_is_told_asked_for_and_weighs() -> None:
    project = project_of(
        *(record(1, labeler=n, error=n < 2) for n in range(3)),
        *(record(2, labeler=n) for n in range(2)),
        record(3),
    )
    everything = solutions_of(frozen(project))
    said = {
        (one["record"]["question"]["problem"], one["record"]["label"]["finish_reason"]):
        (round(one["weight"], 3), one["agreement"] and round(one["agreement"], 3))
        for one in everything
    }  # fmt: skip
    assert said == {
        ("What is $2+1$?", "found_error"): (0.333, 0.667),
        ("What is $2+1$?", "solution"): (0.333, 0.333),
        ("What is $2+2$?", "found_error"): (0.5, 1.0),
        ("What is $2+3$?", "found_error"): (1.0, None),
    }
    agreed = solutions_of(frozen(project, minimum_agreement=0.6))
    assert len(agreed) == 4
    assert {one["record"]["label"]["finish_reason"] for one in agreed} == {"found_error"}


def test_judges_that_rate_no_step_are_not_in_and_agree_with_nobody() -> None:
    project = make_project("math")
    solution = make_solution(make_problem(project), ["One.", "Two."])
    make_annotation(solution, make_labeler("outcome"), ratings=[], finish_reason="")
    make_annotation(solution, make_labeler("partial"), ratings=[None, 1], finish_reason="")
    for name in ("a", "b"):
        make_annotation(solution, make_labeler(name), ratings=[1, -1], finish_reason="")
    said = {
        one["labeler"]: (one["agreement"], round(one["weight"], 3), one["rule"])
        for one in solutions_of(frozen(project, marks="models"))
    }
    assert said == {
        "a": (1.0, 0.333, "a"),
        "b": (1.0, 0.333, "b"),
        "partial": (None, 0.333, "partial"),
    }


def test_two_annotations_by_one_labeler_agree_with_nobody() -> None:
    again = record(1, total_time=9)
    again["label"]["total_time"] = 9
    project = project_of(record(1), again)
    assert {one["agreement"] for one in solutions_of(frozen(project))} == {None}


def test_verdicts_are_frozen_with_what_is_not_decided_before_them() -> None:
    project = make_project("math")
    solution = make_solution(make_problem(project), ["One.", "Two.", "Three."])
    steps = list(solution.steps.order_by("position"))
    for step, rating, soft in ((steps[0], 1, 1.0), (steps[2], -1, 0.25)):
        make_verdict(step, rating=rating, soft=soft)
    snapshot = frozen(project, Wanted(format="trl-stepwise", container="jsonl"), marks="verdicts")
    (one,) = solutions_of(snapshot)
    assert one["labeler_kind"] == "verdict"
    said = [step["completions"][0]["rating"] for step in one["record"]["label"]["steps"]]
    assert said == [1, None, -1]
    assert one["record"]["label"]["finish_reason"] == "found_error"
    assert [marks[0][1] for marks in one["marks"]] == [1, None, 0.25]
    (row,) = rows_of(snapshot, "trl-stepwise")
    assert row["labels"] == [True, False]
    assert row["completions"] == ["One.", "Two.\nThree."]


def test_labelers_below_a_quality_are_left_out_and_named_by_their_uuid() -> None:
    project = make_project("math")
    good, poor, third = (make_labeler(user=make_user()) for _ in range(3))
    for _ in range(20):
        solution = make_solution(make_problem(project), ["One.", "Two."])
        made = [
            make_annotation(solution, labeler, ratings=ratings, finish_reason="found_error")
            for labeler, ratings in ((good, [1, -1]), (third, [1, -1]), (poor, [-1]))
        ]
        first, second = solution.steps.order_by("position")
        # The one who stopped at the first step has said nothing of the second.
        make_verdict(first, rating=1, annotations=[one.pk for one in made])
        make_verdict(second, rating=-1, annotations=[one.pk for one in made[:2]])
    snapshot = frozen(project, minimum_quality=0.7)
    assert {one["labeler"] for one in solutions_of(snapshot)} == {str(good.uuid), str(third.uuid)}
    (left_out,) = snapshot.manifest["labelers_left_out"]
    assert (left_out["labeler"], left_out["name"]) == (str(poor.uuid), "")
    assert (left_out["solutions"], left_out["agreed"]) == (20, 0)


def test_formats_that_are_added_side_by_side_are_all_told_of() -> None:
    project = project_of(record(1))
    snapshot = frozen(project)
    one, other = (
        add_formats(snapshot=snapshot, wanted=[Wanted(format=name, container="jsonl")])
        for name in ("prm800k", "steps")
    )
    pieces = []
    for run in (one, other):
        shard = runs.claim(run.pk)
        assert shard
        runs.work(shard, freeze_slice)
        last = runs.claim(run.pk)
        assert last
        pieces.append((last, freeze_slice(last)))
    for piece, write in pieces:
        runs.finish(piece, write, work_ms=0)
    for run in (one, other):
        run.refresh_from_db()
        runs.work_here(run, freeze_slice)
    manifest = snapshot.files.get(path="manifest.json")
    with stored.opened(manifest.stored_as) as file:
        assert set(orjson.loads(file.read())["exports"]) == {"prm800k", "steps"}


def test_at_most_so_many_solutions_of_a_problem_are_taken_with_all_their_marks() -> None:
    project = make_project("math")
    problem = make_problem(project)
    for number in range(6):
        make_solution(problem, [f"Step {number}."])
    Solution.objects.update(is_correct=True)
    two = frozen(project, marks="outcomes", max_per_problem=2)
    assert len(solutions_of(two)) == 2
    assert two.content_hash == frozen(project, marks="outcomes", max_per_problem=2).content_hash
    seeds = {
        frozen(project, marks="outcomes", max_per_problem=2, splits={"seed": n}).content_hash
        for n in range(8)
    }
    assert len(seeds) > 1


def test_webhooks_are_told_of_a_version_that_is_ready() -> None:
    project = project_of(record(1))
    webhooks.make_webhook(
        project=project,
        url="https://hooks.example.org",
        events=["snapshot.ready"],
        user=make_user(is_superuser=True),
    )
    snapshot = frozen(project)
    (event,) = Delivery.objects.all()
    assert event.payload["snapshot"] == {
        "dataset": "steps",
        "version": 1,
        "content_hash": snapshot.content_hash,
    }


def test_a_shard_is_of_whole_problems() -> None:
    project = project_of(*(record(n, labeler=k) for n in range(7) for k in range(3)))
    snapshot = frozen(project, shard_solutions=4)
    files = list(snapshot.files.filter(kind="solutions").order_by("shard"))
    shards = [{one["problem_id"] for one in lines_of(file)} for file in files]
    assert [file.rows for file in files] == [6, 6, 6, 3]
    assert sum(map(len, shards)) == 7


def test_rows_carry_where_they_come_from_or_a_file_beside_them_does() -> None:
    project = project_of(record(1))
    snapshot = frozen(
        project,
        Wanted(format="trl-stepwise", container="jsonl"),
        Wanted(format="prm800k", container="jsonl"),
    )
    (row,) = rows_of(snapshot, "trl-stepwise")
    (solution,) = solutions_of(snapshot)
    origin = {
        "solution_id": solution["id"],
        "step_ids": [f"{solution['id']}/0.0", f"{solution['id']}/1.0"],
        "labeler_kind": "person",
        "rule": "imported",
        "weight": 1.0,
    }
    assert {name: row[name] for name in origin} == origin
    (beside,) = snapshot.files.filter(kind="origins")
    assert beside.path == "prm800k/origins/train-00000.jsonl.zst"
    assert lines_of(beside) == [origin]


def test_formats_are_added_to_a_frozen_version_and_do_not_change_it() -> None:
    project = project_of(record(1), phase_1())
    snapshot = frozen(project)
    load_json([record(2)])
    run = add_formats(snapshot=snapshot, wanted=[Wanted(format="prm800k", container="jsonl.zst")])
    runs.work_here(run, freeze_slice)

    assert {row["question"]["problem"] for row in rows_of(snapshot, "prm800k")} == {
        "What is $2+1$?"
    }
    assert snapshot.exports.get().is_whole
    hash_before = snapshot.content_hash
    snapshot.refresh_from_db()
    assert snapshot.content_hash == hash_before
    with pytest.raises(Refused, match="same folder"):
        add_formats(snapshot=snapshot, wanted=[Wanted(format="prm800k")])


@pytest.mark.parametrize("name", ["solutions", "token-lengths"])
def test_no_format_takes_the_place_of_a_versions_own_files(name: str) -> None:
    project = project_of(record(1))
    snapshot = frozen(project)
    wanted = Wanted(format="steps", container="jsonl.zst", name=name)
    with pytest.raises(Refused, match="own files"):
        add_formats(snapshot=snapshot, wanted=[wanted])
    with pytest.raises(Refused, match="own files"):
        freeze(dataset=dataset_of(project), rules=Rules(), wanted=[wanted])
    assert texts_of(solutions_of(snapshot)) == {"What is $2+1$?"}


def test_a_freeze_that_was_lost_in_the_middle_is_taken_again_and_leaves_nothing_behind(
    kept_here: Path,
) -> None:
    project = project_of(*(record(n) for n in range(6)))
    snapshot = freeze(
        dataset=dataset_of(project),
        rules=Rules(shard_solutions=2),
        wanted=[Wanted(format="prm800k", container="jsonl")],
    )
    run = snapshot.run
    assert run
    # A worker that dies after it has written its files, before it says so.
    piece = runs.claim(run.pk)
    assert piece
    freeze_slice(piece)
    StepLabel.objects.filter(rating=-1).update(rating=1)
    piece.refresh_from_db()
    type(piece).objects.update(lease_until="2020-01-01T00:00Z")
    runs.work_here(run, freeze_slice)

    snapshot.refresh_from_db()
    assert snapshot.is_frozen
    assert {
        row["label"]["steps"][1]["completions"][0]["rating"] for row in rows_of(snapshot, "prm800k")
    } == {1}
    named = set(snapshot.files.values_list("stored_as", flat=True))
    there = {str(path.relative_to(kept_here)) for path in kept_here.rglob("*") if path.is_file()}
    assert there == named
