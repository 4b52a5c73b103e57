"""PRM800K-shaped annotations into rows, by COPY."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from uuid import UUID

import orjson
from django.db.backends.utils import CursorWrapper

from annotation.digests import digest
from annotation.models import Annotation, Position, Project, Reconsideration, StepLabel
from datasets_app.importers import Imported
from datasets_app.loading.batches import Report, Write
from datasets_app.loading.candidates import SolutionSteps
from datasets_app.loading.copying import copy_rows, reserve_ids
from datasets_app.loading.labelers import labeler_ids
from datasets_app.loading.marked_solutions import find_or_add_solutions, taken
from datasets_app.loading.occurrences import Occurrences
from datasets_app.loading.problems import find_or_add
from datasets_app.loading.solution_rows import StepRow, write_steps
from datasets_app.prm800k import prm800k_to_json
from datasets_app.records import AnnotationRecord, CandidateRecord, PositionRecord

ANNOTATION_COLUMNS = (
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
POSITION_COLUMNS = ("annotation_id", "position", "chosen_id", "human_step_id", "listed")
LABEL_COLUMNS = ("annotation_id", "step_id", "rating", "flagged", "comment", "shown_order")


class AnnotationLoader:
    """Loads annotations. A record is known by its content and its number among equals in a file,
    so that a second import adds nothing and two equal lines of one file stay two.
    """

    def start(self, cursor: CursorWrapper) -> None:
        self._occurrences = Occurrences(cursor)

    def prepare(
        self, project: Project, batch: list[Imported[AnnotationRecord]], report: Report
    ) -> Write:
        records = [imported.record for imported in batch]
        contents = [_content_key(record) for record in records]

        def write(cursor: CursorWrapper) -> int:
            numbers = self._occurrences.number(cursor, contents)
            keys = [
                digest(str(content), str(number))
                for content, number in zip(contents, numbers, strict=True)
            ]
            found = Annotation.objects.filter(project=project, import_key__in=keys)
            known = set(found.values_list("import_key", flat=True))
            pairs = zip(keys, records, strict=True)
            fresh = [(key, record) for key, record in pairs if key not in known]
            if fresh:
                _write(cursor, project, fresh)
            return len(fresh)

        return write


def _content_key(record: AnnotationRecord) -> UUID:
    """Return the digest of the line that the record came from, whatever the order of its keys."""
    return digest(orjson.dumps(prm800k_to_json(record), option=orjson.OPT_SORT_KEYS).decode())


@dataclass(slots=True)
class Marks:
    """One position of an annotation and the steps that its parts are."""

    position: int
    record: PositionRecord
    candidates: list[StepRow]
    human: StepRow | None


def _write(
    cursor: CursorWrapper, project: Project, fresh: Sequence[tuple[UUID, AnnotationRecord]]
) -> None:
    labelers = labeler_ids(cursor, {record.labeler for _, record in fresh})
    problems = find_or_add(cursor, project, [record.problem for _, record in fresh])
    solutions = find_or_add_solutions(cursor, project, fresh, problems)
    marks = [
        _place(solution, record) for (_, record), solution in zip(fresh, solutions, strict=True)
    ]
    distinct = {solution.solution_id: solution for solution in solutions}.values()
    write_steps(cursor, [step for solution in distinct for step in solution.new])
    ids = list(reserve_ids(cursor, Annotation, len(fresh)))
    copy_rows(
        cursor,
        Annotation,
        ANNOTATION_COLUMNS,
        (
            _annotation_values(row_id, project, labelers[record.labeler], solution, key, record)
            for row_id, (key, record), solution in zip(ids, fresh, solutions, strict=True)
        ),
    )
    again = ((project.pk, solution.solution_id) for solution in distinct)
    copy_rows(cursor, Reconsideration, ("project_id", "solution_id"), again)
    of_annotations = list(zip(ids, marks, strict=True))
    copy_rows(
        cursor,
        Position,
        POSITION_COLUMNS,
        (_position_values(row_id, mark) for row_id, marks in of_annotations for mark in marks),
    )
    copy_rows(
        cursor,
        StepLabel,
        LABEL_COLUMNS,
        (
            values
            for row_id, marks in of_annotations
            for mark in marks
            for values in _label_values(row_id, mark)
        ),
    )


def _place(steps: SolutionSteps, record: AnnotationRecord) -> list[Marks]:
    is_built = record.pre_generated is None
    return [
        Marks(
            index,
            position,
            *steps.place(index, position, own=taken(position) if is_built else 0),
        )
        for index, position in enumerate(record.positions)
    ]


def _annotation_values(
    row_id: int,
    project: Project,
    labeler_id: int,
    solution: SolutionSteps,
    import_key: UUID,
    record: AnnotationRecord,
) -> tuple[Any, ...]:
    return (
        row_id,
        project.pk,
        labeler_id,
        solution.solution_id,
        record.finish_reason or "",
        "",
        False,
        [],
        False,
        record.total_time_ms,
        record.generation,
        record.is_quality_control,
        record.is_screening,
        "{}",
        orjson.dumps(record.shape).decode(),
        import_key,
        record.timestamp.replace(tzinfo=UTC),
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
        return (annotation_id, step.id, said.rating, said.flagged, "", order)

    listed = zip(mark.candidates, mark.record.candidates or (), strict=True)
    labels = [values(step, said, order) for order, (step, said) in enumerate(listed)]
    if mark.human and mark.record.human:
        labels.append(values(mark.human, mark.record.human, None))
    return labels
