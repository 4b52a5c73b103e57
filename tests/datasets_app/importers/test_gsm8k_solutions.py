from collections import Counter
from typing import Any

import pytest

from datasets_app.importers import Imported, read_records
from datasets_app.importers.gsm8k_solutions import MODELS
from datasets_app.records import ProblemRecord, SolutionRecord
from tests.datasets_app.importers.reading import complaint, records
from tests.shared_data import shared_file


def line(**change: Any) -> dict[str, Any]:
    attempts = {
        model: {"is_correct": model.startswith("175b"), "solution": f"By {model}.\nA: 1"}
        for model in MODELS
    }
    return {
        "question": "How many?",
        "ground_truth": "6 * 200 = 1200\nA: 1,200",
        **attempts,
        **change,
    }


def test_a_line_holds_four_solutions_of_one_problem() -> None:
    problem = ProblemRecord(
        text="How many?",
        reference_answer="1200",
        reference_solution="6 * 200 = 1200",
        source="gsm8k",
    )
    assert records("gsm8k_solutions", line()) == [
        SolutionRecord(
            problem=problem, text=f"By {model}.\nA: 1", model=model, claimed_correct=is_correct
        )
        for model, is_correct in zip(MODELS, (False, False, True, True), strict=True)
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"question": 1}, "question: must be text, not a whole number 1"),
        (
            {"ground_truth": "It is 3."},
            "ground_truth: does not end with a line `A: ` with a number",
        ),
        ({"6b_finetuning": None}, "6b_finetuning: must be an object, not null"),
        ({"175b_verification": {}}, "175b_verification.solution: is missing"),
        (
            {"6b_verification": {"solution": "x", "is_correct": "no"}},
            "6b_verification.is_correct: must be true, false or null, not text",
        ),
    ],
)
def test_a_bad_field_is_named(change: dict[str, Any], said: str) -> None:
    assert complaint("gsm8k_solutions", line(**change)) == said


def test_the_real_file_is_read_whole() -> None:
    claimed: Counter[str] = Counter()
    count = 0
    for entry in read_records(shared_file("gsm8k_model_solutions.jsonl"), SolutionRecord):
        assert isinstance(entry, Imported)
        count += 1
        claimed[entry.record.model] += entry.record.claimed_correct is True

    assert count == 4000
    assert [claimed[model] for model in MODELS] == [219, 400, 348, 574]


def test_its_problems_are_those_of_the_problem_file() -> None:
    problems = read_records(shared_file("gsm8k_test.jsonl"), ProblemRecord)
    solutions = read_records(shared_file("gsm8k_model_solutions.jsonl"), SolutionRecord)
    expected = [entry.record for entry in problems if isinstance(entry, Imported)]
    found = [entry.record.problem for entry in solutions if isinstance(entry, Imported)]
    assert found[::4] == expected
