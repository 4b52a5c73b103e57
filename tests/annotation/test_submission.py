"""The one door for finished work."""

import pytest

from annotation.models import Annotation, Assignment
from annotation.models.work import NotOpen
from annotation.submission import Submission, submit
from labelers.trace import StepJudgement
from tests.factories import make_labeler, make_problem, make_project, make_solution

pytestmark = pytest.mark.django_db

GREAT, OKAY, BAD = (StepJudgement(rating=rating) for rating in (1, 0, -1))
UNRATED = StepJudgement()


def make_assignment(*, stop_at_first_error: bool = True) -> Assignment:
    project = make_project(stop_at_first_error=stop_at_first_error)
    solution = make_solution(make_problem(project), ["One.", "Two.", "Three."])
    return Assignment.objects.create(project=project, solution=solution, labeler=make_labeler())


def submitted(assignment: Assignment, *marks: StepJudgement) -> Annotation:
    assert assignment.labeler is not None
    work = Submission(assignment_id=assignment.pk, marks=marks)
    (annotation,) = submit(labeler=assignment.labeler, submissions=[work])
    return annotation


def test_marks_go_with_the_own_steps_in_order() -> None:
    annotation = submitted(make_assignment(), GREAT, UNRATED, OKAY)
    labels = annotation.labels.order_by("step__position")
    assert list(labels.values_list("step__text", "rating")) == [
        ("One.", 1),
        ("Two.", None),
        ("Three.", 0),
    ]
    assert all(place.chosen is not None for place in annotation.positions.all())


def test_nothing_is_labelled_after_the_first_error() -> None:
    annotation = submitted(make_assignment(), GREAT, BAD, GREAT)
    assert list(annotation.labels.order_by("id").values_list("rating", flat=True)) == [1, -1]
    last = annotation.positions.get(position=1)
    assert last.chosen is None


def test_a_project_may_go_on_after_the_first_error() -> None:
    annotation = submitted(make_assignment(stop_at_first_error=False), GREAT, BAD, GREAT)
    assert annotation.labels.count() == 3
    assert not annotation.positions.filter(chosen=None).exists()


def test_fewer_marks_than_steps_leave_the_tail_unlabelled() -> None:
    annotation = submitted(make_assignment(), GREAT)
    assert (annotation.labels.count(), annotation.positions.count()) == (1, 1)


def test_more_marks_than_steps_are_refused_whole() -> None:
    assignment = make_assignment()
    with pytest.raises(ValueError, match="4 marks for a solution of 3 steps"):
        submitted(assignment, GREAT, GREAT, GREAT, GREAT)
    assignment.refresh_from_db()
    assert assignment.state == Assignment.State.OPEN
    assert not Annotation.objects.exists()


def test_the_same_work_delivered_twice_makes_one_annotation() -> None:
    assignment = make_assignment()
    submitted(assignment, GREAT)
    with pytest.raises(NotOpen):
        submitted(assignment, GREAT)
    assert Annotation.objects.count() == 1


def test_probabilities_are_stored_from_incorrect_to_correct() -> None:
    mark = StepJudgement(rating=1, score=0.9, probabilities={"1": 0.7, "-1": 0.1, "0": 0.2})
    annotation = submitted(make_assignment(), mark)
    label = annotation.labels.get()
    assert (label.probabilities, label.score) == ([0.1, 0.2, 0.7], 0.9)


def test_many_submissions_are_kept_together_or_not_at_all() -> None:
    good, closed = make_assignment(), make_assignment()
    Assignment.objects.update(labeler=good.labeler)
    closed.refresh_from_db()
    submitted(closed, GREAT)
    work = [Submission(assignment_id=each.pk, marks=[GREAT]) for each in (good, closed)]
    assert good.labeler is not None
    with pytest.raises(NotOpen):
        submit(labeler=good.labeler, submissions=work)
    good.refresh_from_db()
    assert good.state == Assignment.State.OPEN
    assert Annotation.objects.count() == 1


def test_nobody_submits_for_another_labeler_or_for_what_is_not_there() -> None:
    assignment = make_assignment()
    with pytest.raises(ValueError, match="not one assignment of"):
        submit(
            labeler=make_labeler(),
            submissions=[Submission(assignment_id=assignment.pk, marks=[GREAT])],
        )
    with pytest.raises(ValueError, match="not one assignment of"):
        submit(labeler=make_labeler(), submissions=[Submission(assignment_id=0, marks=[])])
    assert not Annotation.objects.exists()


def test_a_marked_project_can_be_deleted_whole() -> None:
    assignment = make_assignment()
    submitted(assignment, GREAT)
    assignment.project.delete()
    assert not Annotation.objects.exists()
