import pytest

from annotation.models import Annotation, Solution
from annotation.reading import Place, read
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
    return read(solution, list(Annotation.objects.filter(solution=solution).order_by("pk")))


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


def test_not_labelled_is_shown_only_beside_someone_who_did(solution: Solution) -> None:
    make_annotation(solution, ratings=[-1])
    make_annotation(solution, ratings=[1, 1])
    marks = [[mark.tone for mark in place.own.marks] for place in read_all(solution) if place.own]
    assert marks == [["bad", "great"], ["absent", "great"], []]


def test_an_annotation_of_the_whole_shows_at_no_step(solution: Solution) -> None:
    make_annotation(solution, score=0.5)
    make_annotation(solution, ratings=[1])
    own = read_all(solution)[0].own
    assert own is not None
    assert len(own.marks) == 1


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
