"""ProcessBench's form: zero-based first errors of whole solutions."""

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from datasets_app.exporters.base import OptionRefused
from datasets_app.exporters.processbench import ProcessBenchExporter
from tests.datasets_app.marked_json import marked
from tests.datasets_app.prm800k_json import candidate, human, phase_1, phase_2, position
from tests.shared_data import shared_file

Json = dict[str, Any]
OWN = ["I add.", "That makes 6.", "# Answer\n\n6"]


def rated(*ratings: int | None, reason: str | None = None) -> Json:
    """A written solution whose first steps have these ratings."""
    record = phase_2()
    record["label"]["steps"] = [
        position([candidate(text, rating)], chosen=None if rating == -1 else 0)
        for text, rating in zip(OWN, ratings, strict=False)
    ]
    record["label"]["finish_reason"] = reason
    return record


def built(*steps: Json, reason: str | None = "solution") -> Json:
    record = phase_1()
    record["label"] |= {"steps": list(steps), "finish_reason": reason}
    return record


def export(record: Json, **options: Any) -> list[Json]:
    exporter = ProcessBenchExporter(replace(ProcessBenchExporter.defaults, **options))
    one = marked(record)
    one.solution.update({"model": "my-model", "is_correct": False})
    return [row.value for row in exporter.rows([one])]


def labels(record: Json, **options: Any) -> list[int]:
    return [row["label"] for row in export(record, **options)]


def test_a_row_is_the_whole_solution_and_the_place_of_its_first_error() -> None:
    assert export(phase_2()) == [
        {
            "id": "5f0c1b0e-0000-4000-8000-000000000001",
            "generator": "my-model",
            "problem": "What is $2+3$?",
            "steps": OWN,
            "final_answer_correct": False,
            "label": 1,
        }
    ]


def test_places_count_from_zero_and_no_error_is_minus_one() -> None:
    assert labels(rated(-1)) == [0]
    assert labels(rated(1, 1, -1)) == [2]
    assert labels(rated(1, 1, 1)) == [-1]


def test_marks_that_stop_before_the_end_without_an_error_say_too_little() -> None:
    assert labels(rated(1, 1)) == []
    assert labels(rated(1, 1, reason="solution")) == []
    assert labels(rated()) == []


def test_a_step_that_is_not_rated_leaves_the_first_error_unknown() -> None:
    assert labels(rated(None, -1)) == []
    assert labels(rated(1, 1, None)) == []
    assert labels(rated(-1, None)) == [0]


def test_neutral_steps_become_what_is_asked() -> None:
    record = rated(1, 0, 1)
    assert labels(record) == [-1]
    assert labels(record, neutral="negative") == [1]
    assert labels(record, neutral="drop") == []


def test_the_steps_after_the_error_can_be_cut_off() -> None:
    (row,) = export(phase_2(), truncate=True)
    assert (row["steps"], row["label"]) == (OWN[:2], 1)


@pytest.mark.parametrize("reason", ["bad_problem", "give_up"])
def test_what_was_not_finished_makes_no_row(reason: str) -> None:
    assert labels(rated(1, -1, reason=reason)) == []


def test_what_a_labeler_built_is_whole_where_the_labeler_said_so() -> None:
    steps = [
        position([candidate("a")], chosen=0),
        position([candidate("b", 0)], written=human("c")),
    ]
    (row,) = export(built(*steps))
    assert (row["steps"], row["label"]) == (["a", "c"], -1)
    assert export(built(*steps, reason=None)) == []


def test_a_path_that_left_the_solution_is_a_solution_of_its_own() -> None:
    record = rated(1, -1)
    record["label"]["steps"][0] = position([candidate("I add.", 0), candidate("So:")], chosen=1)
    (row,) = export(record)
    assert (row["steps"], row["label"]) == (["So:", "That makes 6."], 1)


@pytest.mark.parametrize("options", [{"neutral": "keep"}, {"alternatives": "rows"}])
def test_what_the_format_cannot_hold_is_refused(options: Json) -> None:
    with pytest.raises(OptionRefused, match="processbench cannot have"):
        export(phase_2(), **options)


def test_a_row_names_the_steps_up_to_its_error() -> None:
    record = rated(1, -1)
    record["label"]["steps"].append(position([candidate(OWN[2])], chosen=0))
    (row,) = ProcessBenchExporter().rows([marked(record)])
    assert row.steps == ["0.0", "1.0"]


def test_the_columns_are_typed() -> None:
    rows = export(phase_2()) + export(rated(1, 1, 1))
    schema = ProcessBenchExporter().schema()
    assert pa.Table.from_pylist(rows, schema=schema).to_pylist() == rows


def test_real_records_have_their_first_errors() -> None:
    lines = shared_file("prm800k.jsonl").read_text().splitlines()
    # The second ends with its error, seven steps in; the labeler of the fifth gave up.
    found = [
        [(row["label"], len(row["steps"])) for row in export(json.loads(line))] for line in lines
    ]
    assert found == [[(-1, 6)], [(6, 13)], [(-1, 5)], [(-1, 7)], [], [(-1, 12)]]
