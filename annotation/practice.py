"""Exercises for newcomers: solutions with the marks that were expected, and why."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils import timezone

from annotation.drafts import Mark
from annotation.models import Annotation, Membership, Project, Step
from labelers.trace import Rating
from web.locale import written_for_reader
from web.models import User

MOST_OF_A_PROJECT = 20
BUILT_IN = ("practice/1-ribbon.json", "practice/2-train.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExerciseStep:
    """One step, the mark that is expected of it, and why."""

    pk: int
    position: int
    text: str
    rating: Rating | None
    """None: not labelled, being after the first error, or marked as unsure."""
    flagged: bool = False
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """A problem with a solution to practise on."""

    text: str
    reference_answer: str | None
    steps: tuple[ExerciseStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What a newcomer said of a step beside what was expected."""

    step: ExerciseStep
    yours: Mark

    @property
    def agrees(self) -> bool:
        return (self.yours.rating, self.yours.flagged) == (self.step.rating, self.step.flagged)


def exercises(project: Project) -> list[Exercise]:
    """Return the project's own exercises, or those that come with Stepmark where it has none."""
    return _of_project(project) or _built_in()


def feedback(project: Project, exercise: Exercise, marks: Mapping[int, Mark]) -> list[Feedback]:
    """Compare `marks`, by the pk of the step, with what was expected.

    Where the project stops at the first error, nothing after it was said.
    """
    given: list[Feedback] = []
    stopped = False
    for step in exercise.steps:
        yours = Mark() if stopped else marks.get(step.pk, Mark())
        given.append(Feedback(step=step, yours=yours))
        stopped = stopped or (project.stop_at_first_error and yours.rating == -1)
    return given


def finish(user: User, project: Project) -> None:
    """Remember that `user` has been through the practice; the first time counts."""
    memberships = Membership.objects.active().filter(user=user, project=project)
    memberships.filter(practised_at=None).update(practised_at=timezone.now())


def _of_project(project: Project) -> list[Exercise]:
    annotations = (
        Annotation.objects.for_practice()
        .filter(project=project)
        .select_related("solution__problem")
        .prefetch_related("labels")
        .order_by("pk")[:MOST_OF_A_PROJECT]
    )
    return [_from_annotation(annotation) for annotation in annotations]


def _from_annotation(annotation: Annotation) -> Exercise:
    labels = {label.step_id: label for label in annotation.labels.all()}
    own = Step.objects.filter(solution=annotation.solution_id, alternative=0).order_by("position")
    problem = annotation.solution.problem
    steps = []
    for step in own:
        label = labels.get(step.pk)
        rating = next((known for known in (-1, 0, 1) if label and label.rating == known), None)
        steps.append(
            ExerciseStep(
                pk=step.pk,
                position=step.position,
                text=step.text,
                rating=rating,
                flagged=bool(label and label.rating is None and label.flagged),
                comment=label.comment if label else "",
            )
        )
    return Exercise(
        text=problem.text, reference_answer=problem.reference_answer, steps=tuple(steps)
    )


def _built_in() -> list[Exercise]:
    read = [json.loads(written_for_reader("annotation", path)) for path in BUILT_IN]
    return [
        Exercise(
            text=one["problem"],
            reference_answer=one["reference_answer"],
            steps=tuple(
                ExerciseStep(pk=position + 1, position=position, **step)
                for position, step in enumerate(one["steps"])
            ),
        )
        for one in read
    ]
