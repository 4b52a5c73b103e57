"""Rows of Annotation, Position and StepLabel on their way into the tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db.backends.utils import CursorWrapper

from annotation.models import Annotation, Position, Project, Reconsideration, StepLabel
from datasets_app.loading.candidates import SolutionSteps
from datasets_app.loading.copying import copy_rows, reserve_ids
from datasets_app.loading.solution_rows import StepRow, write_steps
from datasets_app.records import CandidateRecord, PositionRecord

_ANNOTATION_COLUMNS = (
    "id",
    "project_id",
    "labeler_id",
    "solution_id",
    "finish_reason",
    "comment",
    "is_surplus",
    "bad_splits",
    "is_practice",
    "total_time_ms",
    "generation",
    "is_quality_control",
    "is_screening",
    "evidence",
    "shape",
    "import_key",
    "submitted_at",
)
_POSITION_COLUMNS = ("annotation_id", "position", "chosen_id", "human_step_id", "listed")
_LABEL_COLUMNS = (
    "annotation_id",
    "step_id",
    "rating",
    "flagged",
    "comment",
    "shown_order",
    "score",
    "probabilities",
)


@dataclass(slots=True)
class Marks:
    """One position of an annotation and the steps that its parts are."""

    position: int
    record: PositionRecord
    candidates: list[StepRow]
    human: StepRow | None


@dataclass(slots=True, kw_only=True)
class AnnotationRow:
    """A row of Annotation that the table does not have yet; fields are mostly its columns."""

    import_key: UUID
    labeler_id: int
    solution: SolutionSteps
    marks: list[Marks]
    submitted_at: datetime
    finish_reason: str | None
    total_time_ms: int | None = None
    generation: int | None = None
    is_quality_control: bool = False
    is_screening: bool = False
    evidence: dict[str, Any] = field(default_factory=dict)
    shape: dict[str, Any] = field(default_factory=dict)


def write_annotations(
    cursor: CursorWrapper,
    project: Project,
    solutions: Iterable[SolutionSteps],
    rows: Sequence[AnnotationRow],
) -> None:
    """Write the new steps of `solutions`, and annotations whose verdicts are to be looked at."""
    distinct = {solution.solution_id: solution for solution in solutions}.values()
    write_steps(cursor, [step for solution in distinct for step in solution.new])
    ids = list(reserve_ids(cursor, Annotation, len(rows)))
    numbered = list(zip(ids, rows, strict=True))
    copy_rows(
        cursor,
        Annotation,
        _ANNOTATION_COLUMNS,
        (_annotation_values(row_id, project, row) for row_id, row in numbered),
    )
    marked = dict.fromkeys(row.solution.solution_id for row in rows)
    again = ((project.pk, solution_id) for solution_id in marked)
    copy_rows(cursor, Reconsideration, ("project_id", "solution_id"), again)
    copy_rows(
        cursor,
        Position,
        _POSITION_COLUMNS,
        (_position_values(row_id, mark) for row_id, row in numbered for mark in row.marks),
    )
    copy_rows(
        cursor,
        StepLabel,
        _LABEL_COLUMNS,
        (
            values
            for row_id, row in numbered
            for mark in row.marks
            for values in _label_values(row_id, mark)
        ),
    )


def _annotation_values(row_id: int, project: Project, row: AnnotationRow) -> tuple[Any, ...]:
    return (
        row_id,
        project.pk,
        row.labeler_id,
        row.solution.solution_id,
        row.finish_reason or "",
        "",
        False,
        [],
        False,
        row.total_time_ms,
        row.generation,
        row.is_quality_control,
        row.is_screening,
        orjson.dumps(row.evidence).decode(),
        orjson.dumps(row.shape).decode(),
        row.import_key,
        row.submitted_at,
    )


def _position_values(annotation_id: int, mark: Marks) -> tuple[Any, ...]:
    chosen = mark.record.chosen
    return (
        annotation_id,
        mark.position,
        None if chosen is None else mark.candidates[chosen].id,
        mark.human and mark.human.id,
        mark.record.candidates is not None,
    )


def _label_values(annotation_id: int, mark: Marks) -> list[tuple[Any, ...]]:
    def values(step: StepRow, said: CandidateRecord, order: int | None) -> tuple[Any, ...]:
        probabilities = said.probabilities and list(said.probabilities)
        marks = (said.rating, said.flagged, "", order, said.soft, probabilities)
        return (annotation_id, step.id, *marks)

    listed = zip(mark.candidates, mark.record.candidates or (), strict=True)
    labels = [values(step, said, order) for order, (step, said) in enumerate(listed)]
    if mark.human and mark.record.human:
        labels.append(values(mark.human, mark.record.human, None))
    return labels
