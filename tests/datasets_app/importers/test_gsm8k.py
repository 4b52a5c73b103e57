import pytest

from datasets_app.importers import Imported, read_records
from datasets_app.records import ProblemRecord
from tests.datasets_app.importers.reading import complaint, records
from tests.shared_data import shared_file

WORKED = "He earns 500 * 3 = $<<500*3=1500>>1500.\n#### 1,500"


def test_the_number_after_the_hashes_is_the_answer_and_the_text_before_the_solution() -> None:
    assert records("gsm8k", {"question": "How much?", "answer": WORKED, "hint": 1}) == [
        ProblemRecord(
            text="How much?",
            reference_answer="1500",
            reference_solution="He earns 500 * 3 = $<<500*3=1500>>1500.",
            source="gsm8k",
            metadata={"hint": 1},
        )
    ]


def test_a_bare_answer_has_no_solution() -> None:
    (problem,) = records("gsm8k", {"question": "How much?", "answer": "#### -3.5"})
    assert isinstance(problem, ProblemRecord)
    assert problem.reference_answer == "-3.5"
    assert problem.reference_solution is None


@pytest.mark.parametrize("answer", ["It is 18.", "#### many", "#### ..", "####18"])
def test_an_answer_without_its_number_is_refused(answer: str) -> None:
    said = complaint("gsm8k", {"question": "How much?", "answer": answer})
    assert said == "answer: has no line `#### ` with a number"


def test_missing_and_wrong_fields_are_named() -> None:
    assert complaint("gsm8k", {"answer": WORKED}) == "question: is missing"
    assert complaint("gsm8k", {"question": "x"}) == "answer: is missing"
    said = complaint("gsm8k", {"question": ["x"], "answer": WORKED})
    assert said == "question: must be text, not a list"


def test_the_real_file_is_read_whole() -> None:
    problems = list(read_records(shared_file("gsm8k_test.jsonl"), ProblemRecord))
    assert len(problems) == 1000
    for problem in problems:
        assert isinstance(problem, Imported)
        assert problem.record.reference_answer is not None
        assert problem.record.reference_answer.lstrip("-").isdigit()
        assert "####" not in (problem.record.reference_solution or "")
