"""Problems from records: found among those a project has, filled in, or new."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db.backends.utils import CursorWrapper

from annotation.digests import digest
from annotation.models import Problem, Project
from datasets_app.importers import Imported
from datasets_app.loading.batches import Report, Write
from datasets_app.loading.copying import copy_rows, reserve_ids
from datasets_app.loading.occurrences import Counting
from datasets_app.records import ProblemRecord

DETAILS = ("source", "split", "subject", "level", "external_id", "metadata")
COLUMNS = ("solution_key", "reference_solution", *DETAILS)
"""What a record can add to a row that lacks it."""


@dataclass(slots=True)
class ProblemRow:
    key: UUID
    solution_key: UUID | None
    reference_solution: str | None
    details: dict[str, Any]
    id: int | None = None
    new: tuple[str, str | None] | None = None
    """Text and reference answer of a row that is not in the table yet."""
    is_filled_in: bool = False

    def fill_in(self, record: ProblemRecord, solution_key: UUID | None) -> None:
        """Take from the record what the row lacks."""
        if self.solution_key is None and solution_key is not None:
            self.solution_key = solution_key
            self.reference_solution = record.reference_solution
            self.is_filled_in = True
        for name, found in _details(record).items():
            if found and not self.details[name]:
                self.details[name] = found
                self.is_filled_in = True

    def values(self) -> tuple[Any, ...]:
        """Return what goes into COLUMNS."""
        details = self.details | {"metadata": orjson.dumps(self.details["metadata"]).decode()}
        return (self.solution_key, self.reference_solution, *details.values())


def _details(record: ProblemRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in DETAILS}


class ProblemLoader:
    """Loads problems; a record that is there already may fill in what its row lacks."""

    def start(self, occurrences: Counting) -> None:
        pass

    def prepare(
        self, project: Project, batch: list[Imported[ProblemRecord]], report: Report
    ) -> Write:
        records = [imported.record for imported in batch]

        def write(cursor: CursorWrapper) -> int:
            rows = find_or_add(cursor, project, records)
            return len({row.id for row in rows if row.new})

        return write


def find_or_add(
    cursor: CursorWrapper, project: Project, records: Sequence[ProblemRecord]
) -> list[ProblemRow]:
    """Return the row of each record, in order, all of them in the table now.

    A record without a reference solution joins the first row with the same text and answer.
    One with a solution joins the row with the same solution too, or else gives it to a row
    that has none, or else is a new row.
    """
    keys = [digest(record.text, record.reference_answer) for record in records]
    by_key = _known(project, set(keys))
    rows = []
    for key, record in zip(keys, records, strict=True):
        solution = record.reference_solution
        solution_key = None if solution is None else digest(solution)
        row = _joined(by_key[key], solution_key)
        if row is None:
            row = ProblemRow(key, solution_key, solution, _details(record))
            row.new = (record.text, record.reference_answer)
            by_key[key].append(row)
        else:
            row.fill_in(record, solution_key)
        rows.append(row)
    _write(cursor, project, list({id(row): row for row in rows}.values()))
    return rows


def _known(project: Project, keys: set[UUID]) -> defaultdict[UUID, list[ProblemRow]]:
    by_key: defaultdict[UUID, list[ProblemRow]] = defaultdict(list)
    found = Problem.objects.filter(project=project, key__in=keys).order_by("id")
    for row_id, key, solution_key, solution, *details in found.values_list("id", "key", *COLUMNS):
        details_by_name = dict(zip(DETAILS, details, strict=True))
        by_key[key].append(ProblemRow(key, solution_key, solution, details_by_name, id=row_id))
    return by_key


def _joined(rows: Sequence[ProblemRow], solution_key: UUID | None) -> ProblemRow | None:
    if solution_key is None:
        return rows[0] if rows else None
    for wanted in (solution_key, None):
        for row in rows:
            if row.solution_key == wanted:
                return row
    return None


def _write(cursor: CursorWrapper, project: Project, rows: Sequence[ProblemRow]) -> None:
    new = [row for row in rows if row.new]
    for row, row_id in zip(new, reserve_ids(cursor, Problem, len(new)), strict=True):
        row.id = row_id
    now = datetime.now(UTC)
    copy_rows(
        cursor,
        Problem,
        ("id", "project_id", "created_at", "key", "text", "reference_answer", *COLUMNS),
        ((row.id, project.pk, now, row.key, *(row.new or ()), *row.values()) for row in new),
    )
    assignments = ", ".join(f"{name} = %s" for name in COLUMNS)
    cursor.executemany(
        f"UPDATE annotation_problem SET {assignments} WHERE id = %s",  # noqa: S608 - own names
        [(*row.values(), row.id) for row in rows if row.is_filled_in and not row.new],
    )
