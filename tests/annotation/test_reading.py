import pytest

from annotation.models import Annotation, Solution
from annotation.reading import Place, covers_the_first_error, read, signs
from tests.factories import (
    make_annotation,
    make_label,
    make_problem,
    make_project,
    make_solution,
    make_step,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def solution() -> Solution:
    return make_solution(make_problem(make_project()), ["One.", "Two.", "Three."])


def read_all(solution: Solution) -> list[Place]:
    annotations = Annotation.objects.filter(solution=solution).order_by("pk")
    return read(solution.steps.all(), list(annotations))


def test_positions_come_in_order_whatever_the_order_of_the_rows(solution: Solution) -> None:
    make_step(solution, 1, "Other two.", alternative=2)
    make_step(solution, 1, "Another two.", alternative=1)
    places = read_all(solution)
    assert [place.position for place in places] == [0, 1, 2]
    texts = [candidate.step.text for candidate in places[1].alternatives]
    assert texts == ["Another two.", "Other two."]


def test_marks_that_agree_give_the_step_their_tone(solution: Solution) -> None:
    make_annotation(solution, ratings=[1, 1, None])
    make_annotation(solution, ratings=[1, -1])
    tones = [place.own.tone for place in read_all(solution) if place.own]
    assert tones == ["great", "mixed", ""]


def test_one_that_is_not_rated_takes_no_side(solution: Solution) -> None:
    make_annotation(solution, ratings=[None])
    make_annotation(solution, ratings=[0])
    own = read_all(solution)[0].own
    assert own is not None
    assert own.tone == "okay"
    assert [mark.tone for mark in own.marks] == ["none", "okay"]


def test_an_own_step_has_a_mark_of_each_though_it_be_none(solution: Solution) -> None:
    make_annotation(solution, ratings=[-1])
    make_annotation(solution, ratings=[1, 1])
    marks = [[mark.tone for mark in place.own.marks] for place in read_all(solution) if place.own]
    assert marks == [["bad", "great"], ["absent", "great"], ["absent", "absent"]]


def test_a_flag_without_a_rating_is_unsure(solution: Solution) -> None:
    annotation = make_annotation(solution)
    first, second, _third = solution.steps.order_by("position")
    make_label(annotation, first, None, flagged=True)
    make_label(annotation, second, 1, flagged=True)
    marks = [place.own.marks[0] for place in read_all(solution) if place.own]
    assert [str(mark.word) for mark in marks] == ["Unsure", "Great", "Not labelled"]


def test_a_step_that_was_reported_split_badly_says_so(solution: Solution) -> None:
    make_annotation(solution, ratings=[1, 1, 1], bad_splits=[1])
    marks = [place.own.marks[0].is_split_badly for place in read_all(solution) if place.own]
    assert marks == [False, True, False]


def test_an_alternative_shows_only_who_labelled_it(solution: Solution) -> None:
    make_annotation(solution, ratings=[1])
    annotation = make_annotation(solution, ratings=[1])
    other = make_step(solution, 0, "Another one.", alternative=1)
    make_label(annotation, other, -1)
    (candidate,) = read_all(solution)[0].alternatives
    assert [mark.annotation for mark in candidate.marks] == [annotation]
    assert candidate.tone == "bad"


def test_a_position_that_only_others_reach_has_no_own_step(solution: Solution) -> None:
    make_step(solution, 3, "Four?", alternative=1)
    place = read_all(solution)[3]
    assert place.own is None
    assert len(place.alternatives) == 1


def test_a_row_of_signs_has_one_a_position_that_of_the_step_taken(solution: Solution) -> None:
    annotation = make_annotation(solution, ratings=[-1, 1])
    taken = make_step(solution, 0, "Another one.", alternative=1)
    make_label(annotation, taken, 0)
    annotation.positions.filter(position=0).update(chosen=taken)
    only_other = make_step(solution, 2, "Three?", alternative=1)
    make_label(annotation, only_other, -1)
    assert [mark.tone for mark in signs(annotation)] == ["okay", "great", "bad"]


@pytest.mark.parametrize(
    ("ratings", "covers"),
    [
        ([1, 0, 1], True),
        ([1, -1], True),
        ([-1], True),
        ([1, 1], False),
        ([1, None, -1], False),
        ([], False),
    ],
)
def test_marks_cover_all_steps_up_to_the_first_error(
    solution: Solution, ratings: list[int | None], covers: bool
) -> None:
    annotation = make_annotation(solution, ratings=ratings)
    assert covers_the_first_error(solution.steps.all(), annotation) is covers


def test_no_marks_cover_a_solution_without_steps(solution: Solution) -> None:
    annotation = make_annotation(solution)
    assert not covers_the_first_error([], annotation)
