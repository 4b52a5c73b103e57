"""Verdicts follow from annotations: a reviewer's first, then people's, then accepted models'."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation import consensus
from annotation.models import Annotation, Project, Solution, Verdict
from labelers.models import Labeler
from labelers.registration import labeler_of
from tests.factories import (
    make_annotation,
    make_assignment,
    make_labeler,
    make_problem,
    make_project,
    make_solution,
    make_user,
)

pytestmark = pytest.mark.django_db

ACCEPTING = {
    "first": ["prm", "judge"],
    "accept": [{"labelers": {"prm": 0.9, "judge": 0.5}}],
}


@pytest.fixture
def project() -> Project:
    make_labeler("prm")
    make_labeler("judge")
    return make_project(overlap=3)


@pytest.fixture
def solution(project: Project) -> Solution:
    return make_solution(make_problem(project), ["One.", "Two.", "Three."])


def by_person(solution: Solution, *ratings: int | None, **fields: Any) -> Annotation:
    labeler = labeler_of(make_user())
    return make_annotation(solution, labeler, ratings=ratings, **fields)


def by_model(solution: Solution, name: str, *ratings: int, score: float = 1.0) -> Annotation:
    labeler = Labeler.objects.get(name=name)
    return make_annotation(solution, labeler, ratings=ratings, score=score)


def decided(solution: Solution) -> list[tuple[int, float, str]]:
    consensus.update(project=solution.project, solutions=[solution.pk])
    verdicts = Verdict.objects.filter(solution=solution).order_by("step__position")
    return [(one.rating, round(one.soft, 3), one.rule) for one in verdicts]


def test_people_decide_by_majority_and_soft_values_keep_the_rest(solution: Solution) -> None:
    first = by_person(solution, 1, 1, -1)
    second = by_person(solution, 1, -1)
    assert decided(solution) == []
    third = by_person(solution, 0, 0, -1)
    assert decided(solution) == [
        (0, 1.0, "people agree"),
        (0, 0.667, "people agree"),
        (-1, 0.0, "people agree"),
    ]
    counted = Verdict.objects.get(step__position=1).annotations
    assert counted == [first.pk, second.pk, third.pk]
    assert Verdict.objects.get(step__position=2).annotations == [first.pk, third.pk]


def test_a_tie_decides_nothing(solution: Solution) -> None:
    for ratings in ((-1,), (1, -1), (1, 1, -1)):
        by_person(solution, *ratings)
    assert decided(solution) == []


def test_whoever_does_not_say_where_the_error_is_has_no_voice(solution: Solution) -> None:
    by_person(solution, 1, finish_reason="give_up")
    by_person(solution, 1, None, 1)
    by_person(solution, 1, -1)
    assert [rating for rating, _, _ in decided(solution)] == [1, -1]


@pytest.mark.parametrize("reason", ["give_up", "bad_problem"])
def test_whoever_gave_up_or_reports_the_problem_calls_nothing_right(
    solution: Solution, reason: str
) -> None:
    slot = make_assignment(solution, is_named=True, for_reviewers=True)
    by_person(solution, 1, 1, 1, assignment=slot, finish_reason=reason)
    assert decided(solution) == []


def test_a_reviewers_mark_wins(solution: Solution) -> None:
    for _ in range(3):
        by_person(solution, 1, -1)
    slot = make_assignment(solution, is_named=True, for_reviewers=True)
    by_person(solution, 1, 1, 1, assignment=slot)
    assert decided(solution) == [(1, 1.0, "reviewer")] * 3


def test_what_does_not_count_decides_nothing(solution: Solution) -> None:
    Project.objects.update(overlap=1)
    solution.project.refresh_from_db()
    for kind in ("is_surplus", "is_practice", "is_quality_control", "is_screening"):
        by_person(solution, -1, **{kind: True})
        assert decided(solution) == [], kind
    superseded = by_person(solution, -1)
    assert [rating for rating, _, _ in decided(solution)] == [-1]
    make_annotation(solution, superseded.labeler, ratings=[1, 1, -1], supersedes=superseded)
    assert [rating for rating, _, _ in decided(solution)] == [1, 1, -1]


def test_accepted_models_decide_where_no_person_has(solution: Solution) -> None:
    solution.project.routing = ACCEPTING
    solution.project.save()
    by_model(solution, "prm", 1, -1, score=0.05)
    assert decided(solution) == []
    by_model(solution, "judge", 1, -1, score=0.05)
    assert decided(solution) == [(1, 1.0, "accept 1"), (-1, 0.0, "accept 1")]
    by_person(solution, 1, 1, 1)
    assert {rule for _, _, rule in decided(solution)} == {"people agree"}


@pytest.mark.parametrize(
    "judge", [((-1,), 0.0), ((1, 1, -1), 0.0), ((1, 1, 1), 1.0), ((1, -1), 0.9)]
)
def test_models_that_differ_or_are_not_sure_decide_nothing(
    solution: Solution, judge: tuple[tuple[int, ...], float]
) -> None:
    solution.project.routing = ACCEPTING
    solution.project.save()
    by_model(solution, "prm", 1, -1, score=0.05)
    ratings, score = judge
    by_model(solution, "judge", *ratings, score=score)
    assert decided(solution) == []


def test_without_a_policy_models_decide_nothing(solution: Solution) -> None:
    by_model(solution, "prm", 1, -1, score=0.05)
    by_model(solution, "judge", 1, -1, score=0.05)
    assert decided(solution) == []


def test_verdicts_that_hold_are_left_alone_and_others_are_replaced(solution: Solution) -> None:
    Project.objects.update(overlap=1)
    solution.project.refresh_from_db()
    by_person(solution, 1, -1)
    decided(solution)
    before = set(Verdict.objects.values_list("pk", flat=True))
    assert len(before) == 2
    decided(solution)
    assert set(Verdict.objects.values_list("pk", flat=True)) == before
    by_person(solution, 1, 1, 1)
    by_person(solution, 1, 1, 1)
    assert [rating for rating, _, _ in decided(solution)] == [1, 1, 1]
    assert before.isdisjoint(Verdict.objects.values_list("pk", flat=True))


def test_the_statements_do_not_grow_with_the_solutions(project: Project) -> None:
    problem = make_problem(project)
    solutions = [make_solution(problem, [f"{n}.", "Two."]) for n in range(12)]
    for solution in solutions:
        for _ in range(2):
            by_person(solution, 1, -1)

    def statements(n: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            consensus.update(project=project, solutions=[one.pk for one in solutions[:n]])
        return len(captured)

    assert statements(2) == statements(12)


def test_another_projects_solutions_are_not_touched(solution: Solution) -> None:
    for _ in range(3):
        by_person(solution, 1, -1)
    assert consensus.update(project=make_project(), solutions=[solution.pk]) == 0
    assert not Verdict.objects.exists()
