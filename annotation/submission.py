"""The one door for finished work: people's and models' marks become an Annotation here."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from annotation.models import Annotation, Assignment, Position, Step, StepLabel
from labelers.models import Labeler
from labelers.trace import StepJudgement


@transaction.atomic
def submit(
    *,
    assignment: Assignment,
    labeler: Labeler,
    marks: Sequence[StepJudgement],
    finish_reason: str = "",
    total_time_ms: int | None = None,
    score: float | None = None,
    evidence: Mapping[str, Any] | None = None,
) -> Annotation:
    """Keep one labeler's marks on the solution of an open assignment, and close it.

    `marks` go with the solution's own steps, in order, and may be fewer; more raise
    ValueError. Where the project stops at the first error, marks after the first -1 are not
    kept: nothing is labelled there. An assignment that is not open raises NotOpen, so that a
    second delivery of the same work changes nothing.
    """
    assignment = Assignment.objects.select_for_update().get(pk=assignment.pk)
    assignment.submitted()
    own_steps = list(
        Step.objects.filter(solution_id=assignment.solution_id, alternative=0).order_by("position")
    )
    if len(marks) > len(own_steps):
        raise ValueError(f"{len(marks)} marks for a solution of {len(own_steps)} steps")
    if assignment.project.stop_at_first_error:
        marks = up_to_first_error(marks)
    annotation = Annotation.objects.create(
        project_id=assignment.project_id,
        solution_id=assignment.solution_id,
        labeler=labeler,
        assignment=assignment,
        finish_reason=finish_reason,
        total_time_ms=total_time_ms,
        score=score,
        evidence=dict(evidence or {}),
    )
    marked = list(zip(own_steps, marks, strict=False))
    Position.objects.bulk_create(
        Position(
            annotation=annotation,
            position=step.position,
            chosen=None if mark.rating == -1 else step,
        )
        for step, mark in marked
    )
    StepLabel.objects.bulk_create(_label(annotation, step, mark) for step, mark in marked)
    return annotation


def up_to_first_error(marks: Sequence[StepJudgement]) -> Sequence[StepJudgement]:
    """Return the marks up to and including the first -1."""
    for place, mark in enumerate(marks):
        if mark.rating == -1:
            return marks[: place + 1]
    return marks


def _label(annotation: Annotation, step: Step, mark: StepJudgement) -> StepLabel:
    probabilities = mark.probabilities
    return StepLabel(
        annotation=annotation,
        step=step,
        rating=mark.rating,
        score=mark.score,
        probabilities=[probabilities[name] for name in ("-1", "0", "1")] if probabilities else None,
        comment=mark.comment,
        shown_order=0,
    )
