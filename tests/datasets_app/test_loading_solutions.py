"""Ready-made solutions: split, graded, counted."""

from typing import Any

import pytest

from annotation.models import Solution
from datasets_app.importers import read_records
from datasets_app.lines import BadLine
from datasets_app.loading import Loaded, load_problems, load_solutions
from datasets_app.records import ProblemRecord, SolutionRecord
from labelers.answers import GRADER
from tests.datasets_app.loaded import imported, refuse
from tests.factories import make_problem, make_project
from tests.shared_data import shared_file
from web.registry import UnknownName

pytestmark = pytest.mark.django_db

PROBLEM = ProblemRecord(text="2+3?", reference_answer="5", external_id="sum/1")


def solution(text: str = "Two and three.\nThe answer is: 5", **fields: Any) -> SolutionRecord:
    return SolutionRecord(**{"problem": PROBLEM, "text": text, "model": "small", **fields})


def load(*records: SolutionRecord, **options: Any) -> Loaded:
    return load_solutions(
        project_slug="math", entries=imported(records), **{"report": refuse, **options}
    )


def test_a_solution_is_split_and_graded() -> None:
    load(solution(claimed_correct=False))
    row = Solution.objects.get()
    assert [step.text for step in row.steps.order_by("position")] == [
        "Two and three.",
        "The answer is: 5",
    ]
    assert (row.engine, row.model, row.splitter) == ("import", "small", "newline")
    assert (row.final_answer, row.is_correct, row.grader) == ("5", True, GRADER)
    assert row.metadata == {"claimed_correct": False}


def test_given_steps_are_kept_as_they_are() -> None:
    load(solution("One\nline.\nTwo.", steps=("One\nline.", "Two.")))
    row = Solution.objects.get()
    assert row.splitter == "given"
    steps = row.steps.order_by("position")
    assert [row.text[step.start : step.end] for step in steps] == ["One\nline.", "Two."]


def test_another_splitter_can_be_asked_for() -> None:
    load(solution("One.\n\nTwo\nlines."), splitter="blank_line")
    assert Solution.objects.get().steps.count() == 2


def test_an_unknown_splitter_is_refused_by_name() -> None:
    with pytest.raises(UnknownName, match="newline"):
        load(splitter="comma")


def test_a_problem_is_found_by_its_id() -> None:
    load_problems(project_slug="math", entries=imported([PROBLEM]), report=refuse)
    load(solution(problem="sum/1"))
    assert Solution.objects.get().is_correct is True


def test_a_problem_is_found_by_the_id_that_another_line_gives_it() -> None:
    load(solution("It is: 6", problem="sum/1"), solution())
    assert Solution.objects.values("problem").distinct().count() == 1


def test_an_unknown_id_is_a_bad_line() -> None:
    reported: list[BadLine] = []
    loaded = load(solution(problem="sum/2"), solution(), report=reported.append)
    assert [str(bad) for bad in reported] == [
        "records.jsonl:1: no problem in the project has the id 'sum/2'"
    ]
    assert (loaded.read, loaded.added, loaded.known, loaded.bad) == (1, 1, 0, 1)


def test_an_unknown_id_makes_a_strict_import_keep_nothing() -> None:
    load(solution(problem="sum/2"), solution(), strict=True, report=lambda _: None)
    assert not Solution.objects.exists()


def test_equal_texts_by_one_writer_are_one_row_that_counts_them() -> None:
    load(solution(), solution(), solution())
    assert Solution.objects.get().times_drawn == 3
    again = load(solution(), solution(), solution())
    assert (again.added, Solution.objects.get().times_drawn) == (0, 3)


def test_a_count_grows_over_batches_and_with_a_file_that_has_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("datasets_app.loading.batches.BATCH_SIZE", 2)
    load(*[solution()] * 3)
    assert Solution.objects.get().times_drawn == 3
    load(*[solution()] * 5)
    assert Solution.objects.get().times_drawn == 5


def test_equal_texts_by_different_writers_stay_apart() -> None:
    load(solution(), solution(model="large"), solution(prompt="other"))
    assert Solution.objects.count() == 3


def test_the_real_gsm8k_solutions_are_4000_rows_with_the_files_own_verdicts() -> None:
    path = shared_file("gsm8k_model_solutions.jsonl")

    def load_file() -> Loaded:
        entries = read_records(path, SolutionRecord)
        return load_solutions(project_slug="gsm8k", entries=entries, report=refuse)

    assert load_file().added == 4000
    right = Solution.objects.filter(is_correct=True)
    by_model = {row.model: 0 for row in Solution.objects.only("model")}
    for row in right.only("model"):
        by_model[row.model] += 1
    assert by_model == {
        "6b_finetuning": 219,
        "6b_verification": 400,
        "175b_finetuning": 348,
        "175b_verification": 574,
    }
    distinct = Solution.objects.values("problem", "text_key").distinct().count()
    assert distinct == 4000 - 7
    assert load_file().added == 0
    assert not Solution.objects.exclude(times_drawn=1).exists()


def test_an_id_that_several_problems_have_is_a_bad_line() -> None:
    project = make_project("math")
    for text in ("1 + 1?", "2 + 2?"):
        make_problem(project, text, external_id="sum/1")
    reported: list[BadLine] = []
    assert load(solution(problem="sum/1"), report=reported.append).added == 0
    assert [str(bad) for bad in reported] == [
        "records.jsonl:1: several problems in the project have the id 'sum/1'"
    ]
