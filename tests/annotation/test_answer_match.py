"""What labelers say against final answers, and what they took."""

from decimal import Decimal
from uuid import uuid4

import pytest

from annotation import labelling, run_kinds, runs
from annotation.answer_match import Match, match, says, spent
from annotation.findings import NO_ERROR, Case, Finding
from labelers.registration import register_model
from tests.factories import make_problem, make_project, make_solution


def finding(first_error: int | None = None, score: float | None = None) -> Finding:
    return Finding(
        annotation=1, role="model", labeler="judge", first_error=first_error, score=score
    )


def test_a_labeler_calls_a_solution_right_by_its_first_error_or_else_by_its_score() -> None:
    assert says(finding(NO_ERROR, score=0.1)) is True
    assert says(finding(2, score=0.9)) is False
    assert says(finding(score=0.6)) is True
    assert says(finding(score=0.5)) is False
    assert says(finding()) is None


def test_only_graded_solutions_of_which_it_says_something_are_compared() -> None:
    cases = [
        Case(key=uuid4(), is_correct=is_correct, findings=findings)
        for is_correct, findings in (
            (True, [finding(NO_ERROR)]),
            (True, [finding(0)]),
            (False, [finding(1)]),
            (None, [finding(1)]),
            (False, [finding()]),
            (False, []),
        )
    ]
    assert match(cases, "judge") == Match(said=3, matched=2)
    assert match(cases, "another") == Match()


@pytest.mark.django_db
def test_what_a_labeler_took_is_added_up_within_its_project() -> None:
    script = {"model": "judge", "texts": [r"Nothing is wrong. \boxed{-1}"]}
    config = {
        "engine": "scripted",
        "engine_config": script,
        "price": {"prompt_per_1k": 0, "completion_per_1k": 1000, "currency": "EUR"},
    }
    labeler = register_model(name="judge", judge="llm_judge", config=config)
    project, another = make_project("algebra"), make_project("geometry")
    for one, count in ((project, 2), (another, 1)):
        problem = make_problem(one)
        for number in range(count):
            make_solution(problem, [f"Step {number}."])
        run = labelling.request(project=one, labeler=labeler)
        runs.work_here(run, run_kinds.slice_work(run))
    took = spent(project, labeler)
    assert (took.solutions, took.failed, took.calls) == (2, 0, 2)
    assert (took.completion_tokens, took.money) == (8, Decimal(8))
    unused = register_model(name="sums", judge="arithmetic")
    assert spent(project, unused).money is None
