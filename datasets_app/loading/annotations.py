"""PRM800K-shaped annotations into rows, by COPY."""

from collections.abc import Sequence
from datetime import UTC
from uuid import UUID

import orjson
from django.db.backends.utils import CursorWrapper

from annotation.digests import digest
from annotation.models import Annotation, Project
from datasets_app.importers import Imported
from datasets_app.loading.annotation_rows import AnnotationRow, Marks, write_annotations
from datasets_app.loading.batches import Report, Write
from datasets_app.loading.candidates import SolutionSteps
from datasets_app.loading.labelers import labeler_ids
from datasets_app.loading.marked_solutions import find_or_add_solutions, taken
from datasets_app.loading.occurrences import Counting
from datasets_app.loading.problems import find_or_add
from datasets_app.prm800k import prm800k_to_json
from datasets_app.records import AnnotationRecord


class AnnotationLoader:
    """Loads annotations. A record is known by its content and its number among equals in a file,
    so that a second import adds nothing and two equal lines of one file stay two.
    """

    def start(self, occurrences: Counting) -> None:
        self._occurrences = occurrences

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


def _write(
    cursor: CursorWrapper, project: Project, fresh: Sequence[tuple[UUID, AnnotationRecord]]
) -> None:
    names = {record.labeler: f"PRM800K labeler {str(record.labeler)[:8]}" for _, record in fresh}
    labelers = labeler_ids(cursor, names)
    problems = find_or_add(cursor, project, [record.problem for _, record in fresh])
    solutions = find_or_add_solutions(cursor, project, fresh, problems)
    rows = [
        _row(key, labelers[record.labeler], solution, record)
        for (key, record), solution in zip(fresh, solutions, strict=True)
    ]
    write_annotations(cursor, project, solutions, rows)


def _row(
    key: UUID, labeler_id: int, solution: SolutionSteps, record: AnnotationRecord
) -> AnnotationRow:
    return AnnotationRow(
        import_key=key,
        labeler_id=labeler_id,
        solution=solution,
        marks=_place(solution, record),
        submitted_at=record.timestamp.replace(tzinfo=UTC),
        finish_reason=record.finish_reason,
        total_time_ms=record.total_time_ms,
        generation=record.generation,
        is_quality_control=record.is_quality_control,
        is_screening=record.is_screening,
        shape=dict(record.shape),
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
