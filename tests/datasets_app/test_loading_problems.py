"""Which row a problem joins, and what it brings."""

import json
from typing import Any

import pytest

from annotation.models import Problem
from datasets_app.importers import read_records
from datasets_app.loading import Loaded, load_problems
from datasets_app.records import ProblemRecord
from tests.datasets_app.loaded import imported, refuse
from tests.shared_data import shared_file

pytestmark = pytest.mark.django_db


def load(*records: ProblemRecord) -> Loaded:
    return load_problems(project_slug="math", entries=imported(records), report=refuse)


def problem(solution: str | None = None, answer: str | None = "5", **fields: Any) -> ProblemRecord:
    return ProblemRecord(
        text="2+3?", reference_answer=answer, reference_solution=solution, **fields
    )


def rows() -> list[tuple[str | None, str | None]]:
    found = Problem.objects.order_by("id")
    return list(found.values_list("reference_answer", "reference_solution"))


def test_the_same_problem_again_adds_nothing() -> None:
    assert load(problem(), problem()).added == 1
    assert load(problem()).added == 0


def test_another_answer_is_another_problem() -> None:
    load(problem(answer="5"), problem(answer=None), problem(answer=""))
    assert rows() == [("5", None), (None, None), ("", None)]


def test_one_without_a_solution_joins_the_first_with_the_same_text_and_answer() -> None:
    load(problem("count"), problem("add"))
    assert load(problem()).added == 0


def test_a_solution_goes_to_the_row_that_has_none() -> None:
    load(problem())
    assert load(problem("count")).added == 0
    assert rows() == [("5", "count")]


def test_another_solution_is_another_problem() -> None:
    load(problem(), problem("count"), problem("add"), problem("count"))
    assert rows() == [("5", "count"), ("5", "add")]


def test_a_blank_solution_is_not_none() -> None:
    load(problem(), problem(""), problem("add"))
    assert rows() == [("5", ""), ("5", "add")]


def test_a_record_fills_in_what_its_row_lacks_and_overwrites_nothing() -> None:
    load(problem(subject="sums"))
    load(problem(subject="algebra", level="2", external_id="math/1"))
    found = Problem.objects.get()
    assert (found.subject, found.level, found.external_id) == ("sums", "2", "math/1")


def test_math_500_is_500_problems_with_their_answers() -> None:
    path = shared_file("math500.jsonl")
    entries = read_records(path, ProblemRecord)
    assert load_problems(project_slug="math", entries=entries, report=refuse).added == 500
    answers = dict(Problem.objects.values_list("external_id", "reference_answer"))
    lines = map(json.loads, path.read_text().splitlines())
    assert answers == {line["unique_id"]: line["answer"] for line in lines}
