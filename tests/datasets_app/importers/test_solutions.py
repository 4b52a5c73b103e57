from typing import Any

import pytest

from datasets_app.records import ProblemRecord, SolutionRecord
from tests.datasets_app.importers.reading import complaint, records


def test_a_problem_and_a_solution_are_enough() -> None:
    assert records("solutions", {"problem": "What is 7 + 5?", "solution": "7 + 5 = 12"}) == [
        SolutionRecord(problem=ProblemRecord(text="What is 7 + 5?"), text="7 + 5 = 12")
    ]


def test_every_field_has_its_place_and_unknown_ones_are_kept() -> None:
    value = {
        "problem": "What is 7 + 5?",
        "problem_id": "p1",
        "reference_answer": "12",
        "reference_solution": "It is 12.",
        "solution": "7 + 5 = 13",
        "answer": "13",
        "model": "m-7b",
        "prompt": "cot",
        "score": 1,
        "is_correct": False,
        "metadata": {"seed": 3},
        "temperature": 0.7,
    }
    assert records("solutions", value) == [
        SolutionRecord(
            problem=ProblemRecord(
                text="What is 7 + 5?",
                reference_answer="12",
                reference_solution="It is 12.",
                external_id="p1",
            ),
            text="7 + 5 = 13",
            final_answer="13",
            model="m-7b",
            prompt="cot",
            verifier_score=1.0,
            claimed_correct=False,
            metadata={"seed": 3, "temperature": 0.7},
        )
    ]


def test_a_problem_can_be_named_by_its_id_and_a_solution_given_in_steps() -> None:
    value = {"problem_id": "p1", "steps": ["Count.", "So:\n12"]}
    assert records("solutions", value) == [
        SolutionRecord(problem="p1", text="Count.\nSo:\n12", steps=("Count.", "So:\n12"))
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"problem": None}, "problem: must be text, not null"),
        ({"problem": {"text": "x"}}, "problem: must be text, not an object"),
        ({"problem_id": 4}, "problem_id: must be text or null, not a whole number 4"),
        (
            {"problem": None, "problem_id": "p1", "reference_answer": "12"},
            "reference_answer: goes with the text of a problem, not with its id",
        ),
        ({"solution": "\n"}, "solution: is blank"),
        ({"solution": None}, "solution: must be text, not null"),
        ({"steps": ["x"]}, "steps: cannot stand beside `solution`; give one of them"),
        ({"solution": None, "steps": []}, "steps: is empty"),
        ({"solution": None, "steps": ["x", " "]}, "steps.1: is blank"),
        ({"solution": None, "steps": ["x", 2]}, "steps.1: must be text, not a whole number"),
        ({"solution": None, "steps": "x"}, "steps: must be a list, not text"),
        ({"answer": 12}, "answer: must be text or null, not a whole number 12"),
        ({"score": "high"}, "score: must be a number or null, not text"),
        ({"is_correct": 1}, "is_correct: must be true, false or null, not a whole number 1"),
        ({"model": 501 * "x"}, "model: is longer than 500 characters"),
        ({"prompt": 101 * "x"}, "prompt: is longer than 100 characters"),
    ],
)
def test_a_bad_field_is_named(change: dict[str, Any], said: str) -> None:
    assert complaint("solutions", {"problem": "x", "solution": "y", **change}) == said


def test_missing_fields_are_named() -> None:
    assert complaint("solutions", {"solution": "y"}) == "problem: is missing"
    assert complaint("solutions", {"problem": "x"}) == "solution: is missing"
