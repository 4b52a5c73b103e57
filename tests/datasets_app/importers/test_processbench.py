"""ProcessBench's solutions with the place of their first wrong step."""

from typing import Any

import pytest

from annotation.models import Solution
from datasets_app.exporters.processbench import ProcessBenchExporter
from datasets_app.importers.processbench import LABELER
from datasets_app.records import MarkedRecord
from tests.datasets_app.importers.reading import complaint, records
from tests.datasets_app.loaded import round_trip

Json = dict[str, Any]


def line(label: int = 1, **fields: Any) -> Json:
    return {
        "id": "gsm8k-0",
        "generator": "Qwen2-7B-Instruct",
        "problem": "How much is 2 + 3?",
        "steps": ["I add.", "That makes 6.", "So it is 6."],
        "final_answer_correct": False,
        "label": label,
        **fields,
    }


def read(value: Json) -> MarkedRecord:
    (record,) = records("processbench", value)
    assert isinstance(record, MarkedRecord)
    return record


def ratings(value: Json) -> list[int | None]:
    return [(position.candidates or ())[0].rating for position in read(value).positions]


def test_steps_before_the_label_are_right_and_those_behind_it_not_rated() -> None:
    assert ratings(line(0)) == [-1]
    assert ratings(line(1)) == [1, -1]
    assert ratings(line(2)) == [1, 1, -1]
    assert ratings(line(-1)) == [1, 1, 1]


def test_the_marks_end_with_the_error() -> None:
    record = read(line(1))
    assert record.finish_reason == "found_error"
    assert [position.chosen for position in record.positions] == [0, None]


def test_a_solution_without_an_error_is_one_where_its_answer_is_right() -> None:
    assert read(line(-1)).finish_reason is None
    assert read(line(-1, final_answer_correct=True)).finish_reason == "solution"


def test_the_labeler_is_the_experts_who_agreed() -> None:
    assert read(line()).labeler == LABELER
    assert LABELER.person


def test_what_the_source_says_of_the_solution_is_kept() -> None:
    solution = read(line()).solution
    assert (solution.model, solution.claimed_correct) == ("Qwen2-7B-Instruct", False)
    assert solution.metadata == {"id": "gsm8k-0"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"label": 3}, "label: must be null or a whole number from -1 to 2, not a whole number 3"),
        ({"label": None}, "label: must be a whole number, not null"),
        ({"label": 1.0}, "label: must be null or a whole number from -1 to 2, not a number 1.0"),
        ({"label": True}, "label: must be null or a whole number from -1 to 2, not true or false"),
        ({"steps": []}, "steps: is empty"),
        ({"steps": ["a", " "]}, "steps.1: is blank"),
        ({"problem": ""}, "problem: is blank"),
        ({"final_answer_correct": "no"}, "final_answer_correct: must be true, false or null"),
    ],
)
def test_a_bad_line_names_its_field(changed: Json, said: str) -> None:
    assert complaint("processbench", {**line(), **changed}).startswith(said)


@pytest.mark.django_db
def test_lines_come_back_as_they_were_but_for_their_ids() -> None:
    lines = [line(label, problem=f"Problem {label}") for label in (-1, 0, 1, 2)]
    lines.append(line(-1, problem="Right", final_answer_correct=True))
    back = round_trip(lines, "processbench", ProcessBenchExporter(), "bench")
    assert [row | {"id": "gsm8k-0"} for row in back] == lines
    assert Solution.objects.filter(metadata={"id": "gsm8k-0"}).count() == 5
