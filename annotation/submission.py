"""The one door for finished work: people's and models' marks become Annotations here."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import Q

from annotation import events
from annotation.models import (
    Annotation,
    Assignment,
    Position,
    Reconsideration,
    Step,
    StepLabel,
    WorkCost,
)
from labelers.models import Labeler
from labelers.price import price_of
from labelers.trace import Cost, StepJudgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One labeler's finished work on the solution of an assignment."""

    assignment_id: int
    marks: Sequence[StepJudgement]
    """For the solution's own steps, in order; may be fewer: what follows is not labelled."""
    finish_reason: str = ""
    total_time_ms: int | None = None
    score: float | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    cost: Cost | None = None
    """What a model's work took of an engine."""
    work_ms: int = 0


@transaction.atomic
def submit(*, labeler: Labeler, submissions: Sequence[Submission]) -> list[Annotation]:
    """Keep finished work and close its assignments, all of it or none.

    Where a project stops at the first error, marks after the first -1 are not kept: nothing is
    labelled there. An assignment that is not open raises NotOpen, so that a second delivery of
    the same work changes nothing; more marks than steps, and another labeler's assignment, raise
    ValueError.
    """
    wanted = {submission.assignment_id: submission for submission in submissions}
    assignments = list(
        Assignment.objects.select_related("project")
        .select_for_update(of=("self",))
        .filter(Q(labeler=labeler) | Q(labeler=None), pk__in=wanted)
        .order_by("id")
    )
    if len(assignments) < len(submissions):
        raise ValueError(f"not one assignment of {labeler} for each submission")
    Assignment.close(assignments, Assignment.State.SUBMITTED)
    annotations = Annotation.objects.bulk_create(
        _annotation(labeler, assignment, wanted[assignment.pk]) for assignment in assignments
    )
    own_steps = _own_steps(assignments)
    positions: list[Position] = []
    labels: list[StepLabel] = []
    for annotation, assignment in zip(annotations, assignments, strict=True):
        steps = own_steps[assignment.solution_id]
        marks = _kept(assignment, steps, wanted[assignment.pk].marks)
        positions += _positions(annotation, steps, marks)
        labels += (_label(annotation, step, mark) for step, mark in zip(steps, marks, strict=False))
    Position.objects.bulk_create(positions)
    StepLabel.objects.bulk_create(labels)
    WorkCost.objects.bulk_create(
        _cost(labeler, annotation, work.cost, work.work_ms)
        for annotation in annotations
        if (work := wanted[annotation.assignment_id or 0]).cost is not None
    )
    for project, group in groupby(assignments, key=lambda assignment: assignment.project):
        slots = {slot.pk: slot.solution_id for slot in group}
        # Without a policy no verdict follows from what models say.
        if project.is_routed or labeler.kind == Labeler.Kind.PERSON:
            Reconsideration.objects.ask_for(project, list(slots.values()))
        made = [annotation for annotation in annotations if annotation.assignment_id in slots]
        events.annotations_submitted(project, made)
    return annotations


def up_to_first_error(marks: Sequence[StepJudgement]) -> Sequence[StepJudgement]:
    """Return the marks up to and including the first -1."""
    for place, mark in enumerate(marks):
        if mark.rating == -1:
            return marks[: place + 1]
    return marks


def _annotation(labeler: Labeler, assignment: Assignment, work: Submission) -> Annotation:
    return Annotation(
        project_id=assignment.project_id,
        solution_id=assignment.solution_id,
        labeler=labeler,
        assignment=assignment,
        finish_reason=work.finish_reason,
        total_time_ms=work.total_time_ms,
        score=work.score,
        evidence=dict(work.evidence),
    )


def _cost(labeler: Labeler, annotation: Annotation, cost: Cost, work_ms: int) -> WorkCost:
    price = price_of(labeler.config)
    return WorkCost(
        annotation=annotation,
        calls=cost.calls,
        prompt_tokens=cost.prompt_tokens,
        completion_tokens=cost.completion_tokens,
        estimated_calls=cost.estimated_calls,
        work_ms=work_ms,
        money=None if price is None else price.money(cost),
    )


def _own_steps(assignments: Sequence[Assignment]) -> dict[int, list[Step]]:
    """Return the own steps of each assignment's solution, in order, by solution id."""
    steps: dict[int, list[Step]] = defaultdict(list)
    solutions = {assignment.solution_id for assignment in assignments}
    for step in Step.objects.filter(solution__in=solutions, alternative=0).order_by("position"):
        steps[step.solution_id].append(step)
    return steps


def _kept(
    assignment: Assignment, steps: Sequence[Step], marks: Sequence[StepJudgement]
) -> Sequence[StepJudgement]:
    if len(marks) > len(steps):
        raise ValueError(f"{len(marks)} marks for a solution of {len(steps)} steps")
    return up_to_first_error(marks) if assignment.project.stop_at_first_error else marks


def _positions(
    annotation: Annotation, steps: Sequence[Step], marks: Sequence[StepJudgement]
) -> list[Position]:
    """Return where the trajectory went: on with each own step, but nowhere from a last error."""
    positions = [
        Position(annotation=annotation, position=step.position, chosen=step)
        for step, _ in zip(steps, marks, strict=False)
    ]
    if marks and marks[-1].rating == -1:
        positions[-1].chosen = None
    return positions


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
