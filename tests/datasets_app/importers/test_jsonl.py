from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import datasets_app
from datasets_app.importers import Imported, read_records
from datasets_app.records import ProblemRecord
from labelers.answers import extract
from tests.datasets_app.importers.reading import complaint, records


def test_a_text_is_enough() -> None:
    assert records("jsonl", {"text": "What is 7 + 5?"}) == [ProblemRecord(text="What is 7 + 5?")]


def test_every_field_has_its_place_and_unknown_ones_are_kept() -> None:
    value = {
        "id": "p1",
        "text": "What is 7 + 5?",
        "reference_answer": "12",
        "reference_solution": "7 + 5 = 12\nA: 12",
        "source": "mine",
        "split": "test",
        "subject": "addition",
        "level": 1,
        "metadata": {"grade": 2, "author": "Kim"},
        "grade": 3,
        "tags": ["easy"],
    }
    assert records("jsonl", value) == [
        ProblemRecord(
            text="What is 7 + 5?",
            reference_answer="12",
            reference_solution="7 + 5 = 12\nA: 12",
            source="mine",
            split="test",
            subject="addition",
            level="1",
            external_id="p1",
            metadata={"grade": 3, "author": "Kim", "tags": ["easy"]},
        )
    ]


def test_null_is_the_same_as_nothing() -> None:
    value = dict.fromkeys(["id", "reference_answer", "source", "level", "metadata"])
    assert records("jsonl", {"text": "x", **value}) == [ProblemRecord(text="x")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"text": None}, "text: must be text, not null"),
        ({"text": 7}, "text: must be text, not a whole number 7"),
        ({"text": " \n"}, "text: is blank"),
        ({"reference_answer": 12}, "reference_answer: must be text or null, not a whole number 12"),
        ({"reference_solution": []}, "reference_solution: must be text or null, not a list"),
        ({"id": 5}, "id: must be text or null, not a whole number 5"),
        ({"id": 501 * "x"}, "id: is longer than 500 characters"),
        ({"subject": 201 * "x"}, "subject: is longer than 200 characters"),
        ({"split": 101 * "x"}, "split: is longer than 100 characters"),
        ({"level": 1.5}, "level: must be text or null, not a number 1.5"),
        ({"metadata": []}, "metadata: must be an object, not a list"),
    ],
)
def test_a_bad_field_is_named(change: dict[str, Any], said: str) -> None:
    assert complaint("jsonl", {"text": "x", **change}) == said


def test_a_missing_text_is_named() -> None:
    assert complaint("jsonl", {"id": "p1"}) == "text: is missing"


@pytest.fixture(scope="module")
def school() -> list[ProblemRecord]:
    path = Path(str(files(datasets_app))) / "problems" / "school.jsonl"
    problems = []
    for entry in read_records(path, ProblemRecord, "jsonl"):
        assert isinstance(entry, Imported), entry
        problems.append(entry.record)
    return problems


class TestTheBundledProblems:
    def test_there_are_at_least_forty_most_of_them_easy(self, school: list[ProblemRecord]) -> None:
        levels = Counter(problem.level for problem in school)
        assert len(school) >= 40
        assert set(levels) == {"1", "2", "3", "4", "5"}
        assert levels["1"] + levels["2"] >= 20

    def test_ids_and_texts_are_unique(self, school: list[ProblemRecord]) -> None:
        assert len({problem.external_id for problem in school}) == len(school)
        assert len({problem.text for problem in school}) == len(school)

    def test_every_one_is_told_in_full(self, school: list[ProblemRecord]) -> None:
        for problem in school:
            assert problem.source == "school"
            assert problem.subject
            assert problem.split in {"train", "test"}
            assert problem.metadata == {}

    def test_reference_solutions_end_with_the_reference_answer(
        self, school: list[ProblemRecord]
    ) -> None:
        for problem in school:
            assert problem.reference_solution is not None
            lines = problem.reference_solution.splitlines()
            assert 2 <= len(lines) <= 6
            assert lines[-1] == f"A: {problem.reference_answer}"
            assert extract(problem.reference_solution) == problem.reference_answer

    def test_there_is_money_and_there_is_math(self, school: list[ProblemRecord]) -> None:
        assert any("costs $3." in problem.text for problem in school)
        assert any("$2x + 5 = 17$" in problem.text for problem in school)
