from collections import Counter
from typing import Any

import pytest

from datasets_app.importers import Imported, read_records
from datasets_app.records import ProblemRecord
from labelers.answers import last_boxed
from tests.datasets_app.importers.reading import complaint, records
from tests.shared_data import shared_file

SOLUTION = r"Not $\boxed{1}$ but $\boxed{\frac{\sqrt{2}}{2}}$."


def problem(**value: Any) -> ProblemRecord:
    (record,) = records("math", {"problem": "What is it?", "solution": SOLUTION, **value})
    assert isinstance(record, ProblemRecord)
    return record


def test_every_field_has_its_place_and_unknown_ones_are_kept() -> None:
    found = problem(
        answer="0.7", subject="Algebra", level="Level 2", unique_id="test/1.json", year=2021
    )
    assert found == ProblemRecord(
        text="What is it?",
        reference_answer="0.7",
        reference_solution=SOLUTION,
        source="math",
        subject="Algebra",
        level="2",
        external_id="test/1.json",
        metadata={"year": 2021},
    )


def test_without_an_answer_the_last_box_of_the_solution_has_it() -> None:
    assert problem().reference_answer == r"\frac{\sqrt{2}}{2}"
    assert problem(answer=None).reference_answer == r"\frac{\sqrt{2}}{2}"


@pytest.mark.parametrize(
    ("level", "kept"), [("Level 5", "5"), (5, "5"), ("5", "5"), ("Level ?", ""), (None, "")]
)
def test_levels_are_spelt_in_one_way(level: Any, kept: str) -> None:
    assert problem(level=level).level == kept


def test_the_first_edition_calls_the_subject_type() -> None:
    assert problem(type="Geometry").subject == "Geometry"
    assert problem(type="Geometry").metadata == {}


def test_an_answer_without_solution_will_do() -> None:
    (found,) = records("math", {"problem": "What is it?", "answer": "7"})
    assert found == ProblemRecord(text="What is it?", reference_answer="7", source="math")


def test_bad_fields_are_named() -> None:
    value = {"problem": "What is it?", "solution": SOLUTION}
    assert complaint("math", {"solution": SOLUTION}) == "problem: is missing"
    assert complaint("math", value | {"solution": 5}).startswith("solution: must be text or null")
    assert complaint("math", value | {"answer": 5}).startswith("answer: must be text or null")
    assert complaint("math", value | {"level": True}).startswith("level: must be text or null")
    assert (
        complaint("math", value | {"solution": "It is 7."})
        == r"answer: is missing, and the solution has no \boxed{…}"
    )


def test_the_real_file_is_read_whole() -> None:
    problems = []
    for entry in read_records(shared_file("math500.jsonl"), ProblemRecord):
        assert isinstance(entry, Imported)
        problems.append(entry.record)

    assert len({problem.external_id for problem in problems}) == 500
    levels = Counter(problem.level for problem in problems)
    assert levels == {"1": 43, "2": 90, "3": 105, "4": 128, "5": 134}
    for problem in problems:
        assert last_boxed(problem.reference_solution or "") == problem.reference_answer
