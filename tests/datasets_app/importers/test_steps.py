"""One line a step: what the exporter writes, and what a person writes by hand."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from annotation.models import Project
from datasets_app.export import annotations_of
from datasets_app.exporters.steps import StepsExporter
from datasets_app.importers import Imported, get_importer, read_records
from datasets_app.lines import BadLine
from datasets_app.loading import load_marks
from datasets_app.reading import read_annotations
from datasets_app.records import BadRecord, LabelerRecord, MarkedRecord
from tests.datasets_app.loaded import load_json, refuse
from tests.datasets_app.prm800k_json import candidate, human, phase_1, phase_2, position
from tests.shared_data import shared_file

Json = dict[str, Any]
PERSON = "e90a38f3-3135-4465-87af-3e6322e3d772"


def line(at: int, text: str, **fields: Any) -> Json:
    return {"solution_id": "s1", "problem": "How much?", "position": at, "text": text, **fields}


def read(*lines: Json) -> MarkedRecord:
    (record,) = get_importer("steps")().records_of(lines)
    assert isinstance(record, MarkedRecord)
    return record


def complaint(*lines: Json) -> str:
    """Line, from 0, and what is said against it."""
    with pytest.raises(BadRecord) as error:
        read(*lines)
    return f"{error.value.line} {error.value}"


def marks(record: MarkedRecord) -> list[tuple[list[tuple[str, int | None]], int | None]]:
    """The candidates of each position with their ratings, and which of them was chosen."""
    return [
        ([(one.text, one.rating) for one in position.candidates or ()], position.chosen)
        for position in record.positions
    ]


def test_the_least_a_person_writes_is_a_solution_with_a_models_marks() -> None:
    record = read(line(0, "a", rating=1), line(1, "b", rating=-1), line(2, "c"))
    assert record.solution.steps == ("a", "b", "c")
    assert record.problem.text == "How much?"
    assert record.labeler == LabelerRecord(name="steps")
    assert marks(record) == [([("a", 1)], 0), ([("b", -1)], None)]


def test_a_step_that_is_not_rated_is_never_wrong() -> None:
    record = read(line(0, "a"), line(1, "b", rating=0), line(2, "c", rating=None))
    assert marks(record) == [([("a", None)], 0), ([("b", 0)], 0)]


def test_marks_behind_an_error_are_kept() -> None:
    record = read(line(0, "a", rating=-1), line(1, "b", rating=1))
    assert marks(record) == [([("a", -1)], 0), ([("b", 1)], 0)]


def test_soft_values_and_probabilities_are_kept() -> None:
    record = read(line(0, "a", soft=1, probabilities=[0, 0.25, 0.75]))
    ((mark,),) = [position.candidates or () for position in record.positions]
    assert (mark.rating, mark.soft, mark.probabilities) == (None, 1.0, (0.0, 0.25, 0.75))


def test_other_candidates_are_alternatives_of_their_position() -> None:
    lines = [line(0, "x", alternative=1, rating=0), line(0, "a", rating=1)]
    assert marks(read(*lines)) == [([("x", 0), ("a", 1)], 1)]


def test_the_path_may_go_on_with_another_candidate() -> None:
    lines = [line(0, "a", rating=-1, on_path=False), line(0, "x", alternative=1, on_path=True)]
    record = read(*lines, line(1, "b", rating=1))
    assert record.solution.steps == ("a", "b")
    assert marks(record) == [([("a", -1), ("x", None)], 1), ([("b", 1)], 0)]


def test_a_wrong_step_that_ends_the_work_stands_first() -> None:
    lines = [line(0, "x", alternative=1, rating=1), line(0, "a", rating=-1)]
    assert marks(read(*lines)) == [([("a", -1), ("x", 1)], None)]


def test_a_step_that_a_person_wrote_is_no_candidate() -> None:
    lines = [line(0, "a", rating=1, is_human=True), line(0, "x", alternative=1, rating=0)]
    record = read(*lines)
    assert marks(record) == [([("x", 0)], None)]
    assert record.human == (0,)
    assert record.positions[0].human
    assert record.positions[0].human.rating is None


def test_the_end_of_what_was_given_up_is_no_step() -> None:
    record = read(line(0, "a", rating=1), line(1, "b", rating=0, on_path=False, alternative=1))
    assert record.solution.steps == ("a",)
    assert marks(record) == [([("a", 1)], 0), ([("b", 0)], None)]


@pytest.mark.parametrize(
    ("fields", "labeler"),
    [
        ({"labeler_kind": "model", "labeler": "my-prm"}, LabelerRecord(name="my-prm")),
        ({"labeler": "my-prm"}, LabelerRecord(name="my-prm")),
        ({"labeler_kind": "verdict", "labeler": ""}, LabelerRecord(name="verdicts")),
        (
            {"labeler_kind": "person", "labeler": PERSON},
            LabelerRecord(name="Labeler e90a38f3", person=UUID(PERSON)),
        ),
    ],
)
def test_nobody_is_a_person_who_is_not_said_to_be(fields: Json, labeler: LabelerRecord) -> None:
    assert read(line(0, "a", rating=1, **fields)).labeler == labeler


@pytest.mark.parametrize("kind", [None, "none", "model"])
def test_a_solution_without_marks_has_no_labeler(kind: str | None) -> None:
    record = read(line(0, "a", labeler_kind=kind), line(1, "b", labeler_kind=kind))
    assert (record.labeler, record.positions) == (None, ())
    assert record.solution.steps == ("a", "b")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([line(1, "a")], "0 position: must be 0, not 1"),
        ([line(0, "a"), line(2, "b")], "1 position: must be 0 or 1, not 2"),
        ([line(0, "a"), line(1, "b"), line(0, "c")], "2 position: must be 1 or 2, not 0"),
        ([line(0, "a"), line(0, "b")], "1 on_path: is true twice at position 0"),
        ([line(0, "a", on_path=False), line(1, "b")], "0 on_path: is never true at position 0"),
        ([line(0, "a", rating=-1, on_path=False)], "0 on_path: is never true at position 0"),
        ([line(0, "a"), line(1, "b", rating=1.0)], "1 rating: must be null or a whole number"),
        ([line(0, "a", rating=True)], "0 rating: must be null or a whole number from -1 to 1"),
        ([line(0, "a", soft=1.5)], "0 soft: must be null or a number from 0 to 1"),
        ([line(0, "a", probabilities=[1, 0])], "0 probabilities: must be null or P(-1)"),
        ([line(0, "a", probabilities=[1, 0, "x"])], "0 probabilities: must be a number or null"),
        ([line(0, "") | {"text": 3}], "0 text: must be text"),
        ([line(0, "a") | {"problem": None}], "0 problem: must be text, not null"),
        ([line(0, "a"), line(1, "b", problem="?")], "1 problem: is not that of the solution's"),
        ([line(0, "a", is_human=True, on_path=False)], "0 on_path: must be true of a step that"),
        ([line(0, "a", rating=1, labeler_kind="robot")], "0 labeler_kind: must be null or one of"),
        ([line(0, "a", rating=1, labeler_kind="none")], "0 labeler_kind: is none, but something"),
        ([line(0, "a", rating=1, labeler_kind="person")], "0 labeler: must be the UUID of a"),
        ([line(0, "a", finish_reason="done")], "0 finish_reason: must be null or one of"),
        ([line(0, "a", timestamp="today")], "0 timestamp: is no such time"),
        (
            [line(0, "a", timestamp="0001-01-01T00:00:00+10:00")],
            "0 timestamp: is no such time",
        ),
    ],
)
def test_a_bad_line_is_told_with_its_field(lines: Sequence[Json], said: str) -> None:
    assert complaint(*lines).startswith(said)


def entries(tmp_path: Path, *lines: Json | str) -> list[Imported[MarkedRecord] | BadLine]:
    file = tmp_path / "steps.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    file.write_text("".join(f"{text}\n" for text in texts))
    return list(read_records(file, MarkedRecord))


def outcomes(tmp_path: Path, *lines: Json | str) -> list[tuple[int, Any]]:
    """Number of the line, and the steps of its solution or what is bad."""
    return [
        (one.number, one.reason if isinstance(one, BadLine) else one.record.solution.steps)
        for one in entries(tmp_path, *lines)
    ]


def test_lines_that_follow_each_other_make_a_solution(tmp_path: Path) -> None:
    other = {"solution_id": "s2"}
    lines = [line(0, "a"), line(1, "b"), line(0, "c") | other, line(0, "d", labeler="x") | other]
    assert outcomes(tmp_path, *lines) == [(1, ("a", "b")), (3, ("c",)), (4, ("d",))]


def test_a_bad_line_leaves_out_its_whole_solution_and_no_other(tmp_path: Path) -> None:
    good = line(0, "c") | {"solution_id": "s2"}
    ((number, reason), kept) = outcomes(tmp_path, line(0, "a"), line(1, "b", rating=7), good)
    assert number == 2
    assert reason.startswith("rating: must be null or a whole number from -1 to 1")
    assert reason.endswith("(the 2 lines of its record are left out)")
    assert kept == (3, ("c",))


def test_a_broken_line_leaves_out_the_solution_that_it_may_be_of(tmp_path: Path) -> None:
    good = line(0, "c") | {"solution_id": "s2"}
    found = outcomes(tmp_path, line(0, "a"), "{broken", line(1, "b"), good)
    assert [number for number, _ in found] == [1, 2, 3, 4]
    assert found[0][1] == "line 2 is bad and may be of the same record"
    assert found[2][1] == "position: must be 0, not 1"
    assert found[3][1] == ("c",)


def test_a_solution_of_too_many_bytes_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets_app.importers.GROUP_BYTES", 300)
    lines = [line(at, "a") for at in range(9)]
    found = outcomes(tmp_path, *lines, line(0, "c") | {"solution_id": "s2"})
    assert found == [(1, "its record has more than 300 bytes of lines"), (10, ("c",))]


def exported(slug: str) -> list[Json]:
    exporter = StepsExporter(replace(StepsExporter.defaults, truncate=False))
    annotations = annotations_of(Project.objects.get(slug=slug), "all")
    return [row.value for one in read_annotations(annotations) for row in exporter.rows([one])]


def without_ids(rows: list[Json]) -> list[Json]:
    """What a row says, but for the solution's id, which its writer is part of, and its grade.

    PRM800K records are not graded when they are imported, other solutions are.
    """
    for row in rows:
        del row["is_correct"]
        for column in ("solution_id", "step_id", "prefix_step_id"):
            row[column] = row[column] and row[column].partition("/")[2]
    return rows


def round_trip(records: list[Json], tmp_path: Path) -> None:
    load_json(records, "first")
    first = exported("first")
    file = tmp_path / "steps.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in first))
    for added in (len(records), 0):
        loaded = load_marks(
            project_slug="second", entries=read_records(file, MarkedRecord), report=refuse
        )
        assert loaded.added == added
    assert without_ids(exported("second")) == without_ids(first)


@pytest.mark.django_db
def test_what_was_exported_comes_back(tmp_path: Path) -> None:
    built = phase_1()
    built["label"]["steps"] = [
        position([candidate("x", 0), candidate("a", 1)], chosen=1),
        position([candidate("y", -1)], written=human("b")),
        position([candidate("c", -1), candidate("z", 1)]),
    ]
    round_trip([phase_1(), phase_2(), built], tmp_path)


@pytest.mark.django_db
def test_real_records_come_back(tmp_path: Path) -> None:
    lines = shared_file("prm800k.jsonl").read_text().splitlines()
    round_trip([json.loads(one) for one in lines], tmp_path)
