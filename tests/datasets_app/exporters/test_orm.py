"""Solutions with the correctness of their answers."""

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from datasets_app.exporters.base import OptionRefused
from datasets_app.exporters.orm import OrmExporter
from datasets_app.marked import MarkedSolution
from tests.datasets_app.marked_json import marked
from tests.datasets_app.prm800k_json import phase_1, phase_2
from tests.shared_data import shared_file

Json = dict[str, Any]


def graded(is_correct: bool | None = False, record: Json | None = None, **written: Any) -> Any:
    one = marked(record or phase_2())
    one.solution.update({"is_correct": is_correct, **written})
    return one


def export(*solutions: MarkedSolution) -> list[Json]:
    return [row.value for row in OrmExporter().rows(solutions)]


def test_a_row_is_the_whole_text_and_whether_its_answer_is_right() -> None:
    text = "I add.\nThat makes 6.\n# Answer\n\n6"
    assert export(graded()) == [
        {"problem": "What is $2+3$?", "solution": text, "is_correct": False}
    ]


def test_marks_on_steps_have_no_part_in_it() -> None:
    unmarked = phase_2()
    unmarked["label"] = {"steps": [], "total_time": None, "finish_reason": None}
    assert export(graded(True, unmarked)) == [{**export(graded())[0], "is_correct": True}]


def test_what_was_not_graded_is_left_out() -> None:
    assert export(graded(None)) == []


def test_what_was_written_with_the_answer_in_view_is_left_out() -> None:
    assert export(graded(True, hint=True)) == []


def test_what_a_labeler_built_and_nobody_wrote_is_left_out() -> None:
    assert export(graded(True, phase_1())) == []


def test_a_solution_is_one_row_however_many_marked_it() -> None:
    first, second = (replace(graded(), weight=0.5) for _ in range(2))
    other = replace(graded(True), id="5f0c1b0e-0000-4000-8000-000000000002")
    rows = list(OrmExporter().rows([first, second, other]))
    assert [row.value["is_correct"] for row in rows] == [False, True]
    assert rows[0].also == [second]
    assert [row.origin()["weight"] for row in rows] == [1.0, 1.0]


@pytest.mark.parametrize(
    "options", [{"neutral": "positive"}, {"truncate": True}, {"alternatives": "rows"}]
)
def test_options_about_steps_are_refused(options: Json) -> None:
    with pytest.raises(OptionRefused, match="orm cannot have"):
        OrmExporter(replace(OrmExporter.defaults, **options))


def test_the_columns_are_typed() -> None:
    rows = export(graded(), graded(True))
    assert pa.Table.from_pylist(rows, schema=OrmExporter().schema()).to_pylist() == rows


def test_real_solutions_that_nobody_graded_make_no_rows() -> None:
    lines = shared_file("prm800k.jsonl").read_text().splitlines()
    assert [export(marked(json.loads(line))) for line in lines] == [[]] * 6
    written = [line for line in lines if "pre_generated_steps" in line]
    assert [len(export(graded(True, json.loads(line)))) for line in written] == [1, 1]
