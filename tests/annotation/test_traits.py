"""The index across tables: it never says too little, however rows come and go."""

import pytest
from django.db import connection

from annotation.browsing import walk
from annotation.models import Annotation, Project, Solution, SolutionTrait, StepLabel
from tests.factories import (
    make_annotation,
    make_problem,
    make_project,
    make_solution,
    make_user,
)
from web.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def solution(project: Project) -> Solution:
    return make_solution(make_problem(project), ["One.", "Two."])


@pytest.fixture
def reader(project: Project) -> User:
    return make_user(is_superuser=True)


def traits() -> list[tuple[str, int, int]]:
    rows = SolutionTrait.objects.order_by("kind", "solution_id", "annotation_id")
    return list(rows.values_list("kind", "solution_id", "annotation_id"))


def found(kind: str, project: Project, reader: User) -> list[int]:
    return walk({"mark": kind}, project, reader).ids(None, limit=10)


def test_a_new_solution_is_unmarked(solution: Solution) -> None:
    assert traits() == [("unmarked", solution.pk, SolutionTrait.NOBODYS)]


def test_an_annotation_ends_that_and_its_marks_are_there(solution: Solution) -> None:
    annotation = make_annotation(solution, ratings=[0, -1])
    StepLabel.objects.create(
        annotation=annotation, step=make_solution(solution.problem, ["X."]).steps.get(),
        rating=1, flagged=True,
    )  # fmt: skip
    kinds = [kind for kind, of, _annotation in traits() if of == solution.pk]
    assert kinds == ["bad", "flagged", "okay"]


def test_a_great_leaves_no_trait(solution: Solution) -> None:
    make_annotation(solution, ratings=[1, None])
    assert traits() == []


def test_two_marks_of_a_kind_are_one_trait(solution: Solution) -> None:
    annotation = make_annotation(solution, ratings=[-1, -1])
    assert traits() == [("bad", solution.pk, annotation.pk)]


def test_marks_that_come_by_copy_are_there(solution: Solution) -> None:
    annotation = make_annotation(solution)
    steps = list(solution.steps.order_by("position"))
    statement = "COPY annotation_steplabel (annotation_id, step_id, rating, comment) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for step in steps:
            copy.write_row((annotation.pk, step.pk, -step.position, ""))
    assert [kind for kind, _solution, _annotation in traits()] == ["bad", "okay"]


def test_a_mark_that_is_changed_by_hand_is_found_as_what_it_is(
    solution: Solution, reader: User
) -> None:
    annotation = make_annotation(solution, ratings=[-1])
    annotation.labels.update(rating=0)
    assert found("okay", solution.project, reader) == [solution.pk]
    assert found("bad", solution.project, reader) == []


def test_a_solution_is_unmarked_again_when_its_last_annotation_goes(
    solution: Solution, reader: User
) -> None:
    first, second = (make_annotation(solution, ratings=[-1]) for _ in range(2))
    first.delete()
    assert found("unmarked", solution.project, reader) == []
    assert found("bad", solution.project, reader) == [solution.pk]
    second.delete()
    assert found("unmarked", solution.project, reader) == [solution.pk]
    assert traits() == [("unmarked", solution.pk, SolutionTrait.NOBODYS)]


def test_nothing_is_left_of_a_project_that_is_deleted(solution: Solution) -> None:
    make_annotation(solution, ratings=[0, -1])
    make_solution(solution.problem, ["Another."])
    solution.project.delete()
    assert not Solution.objects.exists()
    assert not Annotation.objects.exists()
    assert traits() == []
