"""One flat row a step."""

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from datasets_app.exporters.base import OptionRefused
from datasets_app.exporters.steps import StepsExporter
from datasets_app.marked import MarkedSolution
from tests.datasets_app.marked_json import marked
from tests.datasets_app.prm800k_json import candidate, human, phase_1, phase_2, position
from tests.shared_data import shared_file

Json = dict[str, Any]
SOLUTION = "5f0c1b0e-0000-4000-8000-000000000001"


def export(one: MarkedSolution | Json, **options: Any) -> list[Json]:
    exporter = StepsExporter(replace(StepsExporter.defaults, **options))
    return [row.value for row in exporter.rows([marked(one) if isinstance(one, dict) else one])]


def seen(one: MarkedSolution | Json, *columns: str, **options: Any) -> list[tuple[Any, ...]]:
    return [tuple(row[column] for column in columns) for row in export(one, **options)]


def test_a_row_says_all_of_its_step() -> None:
    one = replace(marked(phase_2()), rule="audit", weight=0.5)
    one.marks[0][0][1:] = [0.75, [0.25, 0.25, 0.5]]
    assert export(one)[0] == {
        "solution_id": SOLUTION,
        "step_id": f"{SOLUTION}/0.0",
        "prefix_step_id": None,
        "position": 0,
        "alternative": 0,
        "on_path": True,
        "text": "I add.",
        "rating": 0,
        "soft": 0.75,
        "probabilities": [0.25, 0.25, 0.5],
        "is_human": False,
        "labeler_kind": "person",
        "labeler": "cc88bf76-df08-4041-be67-3464279cb3b1",
        "rule": "audit",
        "weight": 0.5,
        "timestamp": "2022-11-22T16:51:29.980606",
        "finish_reason": "found_error",
        "split": "train",
        "problem_id": "9a3f0b52-0000-4000-8000-000000000001",
        "problem": "What is $2+3$?",
        "reference_answer": "5",
        "source": "",
        "model": "",
        "is_correct": None,
    }


def test_other_candidates_are_rows_on_the_prefix_of_their_place() -> None:
    columns = ("position", "alternative", "on_path", "rating", "prefix_step_id")
    path = [(0, 0, True, 0, None), (1, 0, True, -1, f"{SOLUTION}/0.0")]
    other = (1, 1, False, 1, f"{SOLUTION}/0.0")
    assert seen(phase_2(), *columns) == [*path, other]
    assert seen(phase_2(), *columns, alternatives="none") == path


def test_what_comes_after_the_first_error_is_there_on_request_and_not_rated() -> None:
    assert seen(phase_2(), "position", "rating", truncate=False, alternatives="none") == [
        (0, 0),
        (1, -1),
        (2, None),
    ]


def test_a_tail_without_labels_is_never_wrong() -> None:
    record = phase_2()
    del record["label"]["steps"][1:]
    assert seen(record, "text", "rating", "soft", "prefix_step_id") == [
        ("I add.", 0, None, None),
        ("That makes 6.", None, None, f"{SOLUTION}/0.0"),
        ("# Answer\n\n6", None, None, f"{SOLUTION}/1.0"),
    ]


def test_a_step_that_is_not_rated_is_null() -> None:
    record = phase_2()
    record["label"]["steps"][0] = position([candidate("I add.", None)], chosen=0)
    assert seen(record, "rating", alternatives="none") == [(None,), (-1,)]


@pytest.mark.parametrize(
    ("neutral", "ratings"),
    [("keep", [0, -1]), ("positive", [1, -1]), ("negative", [-1]), ("drop", [None, -1])],
)
def test_neutral_steps_become_what_is_asked(neutral: str, ratings: list[int | None]) -> None:
    found = seen(phase_2(), "rating", neutral=neutral, alternatives="none")
    assert [rating for (rating,) in found] == ratings


def test_a_human_step_is_right_and_says_who_wrote_it() -> None:
    record = phase_1()
    record["label"]["steps"] = [position([candidate("a", -1)], written=human("b"))]
    assert seen(record, "text", "rating", "is_human", "on_path") == [
        ("b", 1, True, True),
        ("a", -1, False, False),
    ]


def test_a_path_that_left_the_solution_has_no_tail() -> None:
    record = phase_2()
    other = position([candidate("I add.", 0), candidate("So:")], chosen=1)
    record["label"]["steps"] = [other]
    assert seen(record, "text", "on_path") == [("So:", True), ("I add.", False)]


def test_the_end_of_what_was_given_up_is_there_beside_the_path() -> None:
    record = phase_1()
    record["label"]["steps"] = [position([candidate("a", None), candidate("b", 0)])]
    assert seen(record, "text", "rating", "on_path", "finish_reason") == [
        ("a", None, False, "give_up"),
        ("b", 0, False, "give_up"),
    ]


def test_a_solution_without_marks_has_its_steps() -> None:
    record = phase_2()
    record["label"]["steps"] = []
    one = replace(marked(record), labeler_kind="none", labeler="")
    assert seen(one, "position", "rating", "labeler_kind") == [
        (0, None, "none"),
        (1, None, "none"),
        (2, None, "none"),
    ]


def test_alternatives_in_their_place_are_refused() -> None:
    with pytest.raises(OptionRefused, match="steps cannot have alternatives 'keep'"):
        export(phase_2(), alternatives="keep")


def test_a_row_and_its_origin_name_the_same_step() -> None:
    (row, *_) = StepsExporter().rows([marked(phase_2())])
    origin = row.origin()
    assert origin.pop("step_ids") == [row.value["step_id"]]
    assert {name: row.value[name] for name in origin} == origin


def test_the_columns_are_typed() -> None:
    one = marked(phase_2())
    one.marks[0][0][1:] = [1, [0, 0, 1]]
    rows = export(one, truncate=False)
    assert pa.Table.from_pylist(rows, schema=StepsExporter().schema()).to_pylist() == rows


def test_real_records_have_a_row_for_each_candidate() -> None:
    for line in shared_file("prm800k.jsonl").read_text().splitlines():
        record = json.loads(line)
        steps = record["label"]["steps"]
        rows = export(record, neutral="keep")
        assert len(rows) == sum(
            len(step["completions"] or ()) + bool(step["human_completion"]) for step in steps
        )
        ids = [row["step_id"] for row in rows]
        assert len(set(ids)) == len(ids)
        known = {row["step_id"] for row in rows if row["on_path"]} | {None}
        assert {row["prefix_step_id"] for row in rows} <= known
