"""Problems that people report as bad, in versions that are not made of annotations."""

from typing import Any

import pytest

from annotation import runs
from annotation.deciding import BY_REVIEWER
from annotation.models import Project, Solution
from datasets_app.models import Snapshot
from datasets_app.rules import USUAL_REASONS, Rules
from datasets_app.snapshots import freeze, freeze_slice
from labelers.models import Labeler
from tests.datasets_app.frozen import dataset_of, frozen, solutions_of, texts_of
from tests.factories import (
    make_annotation,
    make_labeler,
    make_problem,
    make_project,
    make_solution,
    make_user,
    make_verdict,
)

pytestmark = pytest.mark.django_db(transaction=True)
BAD, GOOD = "What is $2+x$?", "What is $4+4$?"
WITH_BAD = [*USUAL_REASONS, "bad_problem"]


@pytest.fixture
def project() -> Project:
    """A good problem with a solution, and a bad one with two, on all of which models agree."""
    project = make_project("math")
    good, bad = make_problem(project, GOOD), make_problem(project, BAD)
    for solution in (
        make_solution(good, ["Good."]), make_solution(bad, ["One."]), make_solution(bad, ["Two."]),
    ):  # fmt: skip
        make_verdict(solution.steps.get(), rule="accept 1")
    Solution.objects.update(is_correct=True)
    return project


def report(project: Project, labeler: Labeler | None = None, **fields: Any) -> Any:
    one = project.solutions.get(text__contains="One.")
    fields = {"finish_reason": "bad_problem", "comment": "What is x?", **fields}
    return make_annotation(one, labeler or make_labeler(user=make_user()), **fields)


def problems_in(project: Project, marks: str, **rules: Any) -> set[str]:
    return texts_of(solutions_of(frozen(project, marks=marks, **rules)))


@pytest.mark.parametrize("marks", ["verdicts", "outcomes"])
def test_a_problem_that_a_person_reports_is_left_out_with_all_its_solutions(
    project: Project, marks: str
) -> None:
    assert problems_in(project, marks) == {GOOD, BAD}
    report(project)
    snapshot = frozen(project, marks=marks)
    assert texts_of(solutions_of(snapshot)) == {GOOD}
    assert snapshot.manifest["reported"] == 1
    assert problems_in(project, marks, finish_reasons=WITH_BAD) == {GOOD, BAD}


def test_other_spellings_of_it_are_left_out_too(project: Project) -> None:
    make_solution(make_problem(project, "what is  2 + x?"), ["Three."], is_correct=True)
    assert len(problems_in(project, "outcomes")) == 3
    report(project)
    assert problems_in(project, "outcomes") == {GOOD}


def test_other_peoples_marks_do_not_make_it_good_but_a_reviewers_do(project: Project) -> None:
    report(project)
    one = project.solutions.get(text__contains="One.")
    verdict = one.steps.get().verdict
    for rule, found in (("people agree", {GOOD}), (BY_REVIEWER, {GOOD, BAD})):
        type(verdict).objects.filter(pk=verdict.pk).update(rule=rule)
        assert problems_in(project, "verdicts") == found
        assert problems_in(project, "outcomes") == found


@pytest.mark.parametrize(
    "fields",
    [
        {"is_surplus": True},
        {"is_practice": True},
        {"finish_reason": "give_up"},
        {"corrected": True},
    ],
    ids=["late", "practice", "gave up", "corrected"],
)
def test_what_does_not_count_reports_nothing(project: Project, fields: dict[str, Any]) -> None:
    is_screened = "is_screening" in fields
    is_corrected = fields.pop("corrected", False)
    made = report(project, **fields)
    if is_corrected:
        report(project, made.labeler, finish_reason="solution", supersedes=made)
    assert problems_in(project, "outcomes", screening=is_screened) == {GOOD, BAD}


def test_a_program_reports_nothing(project: Project) -> None:
    report(project, make_labeler())
    assert problems_in(project, "outcomes") == {GOOD, BAD}


def test_reports_in_another_project_are_of_its_own_problems(project: Project) -> None:
    other = make_project("other")
    make_annotation(
        make_solution(make_problem(other, BAD), ["One."]),
        make_labeler(user=make_user()),
        finish_reason="bad_problem",
    )
    assert problems_in(project, "outcomes") == {GOOD, BAD}


def test_where_annotations_count_only_those_that_report_it_are_left_out(project: Project) -> None:
    report(project)
    one = project.solutions.get(text__contains="One.")
    make_annotation(one, make_labeler(user=make_user()), ratings=[1], finish_reason="solution")
    snapshot = frozen(project, marks="people")
    (kept,) = solutions_of(snapshot)
    assert kept["record"]["label"]["finish_reason"] == "solution"
    assert snapshot.manifest["reported"] == 0


def test_what_leaves_nothing_says_how_many_were_reported(project: Project) -> None:
    report(project)
    project.problems.filter(text=GOOD).delete()
    begun = freeze(dataset=dataset_of(project), rules=Rules(marks="outcomes"))
    assert begun.run
    runs.work_here(begun.run, freeze_slice)
    assert "1 reported as bad" in begun.run.error
    assert Snapshot.objects.get().state == "failed"
