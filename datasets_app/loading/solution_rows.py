"""Rows of Solution and Step on their way into the tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db.backends.utils import CursorWrapper

from annotation.models import Project, Solution, Step
from datasets_app.loading.copying import copy_rows, reserve_ids

GIVEN = "given"
"""The splitter of a solution whose source gave its steps."""

_SOLUTION_COLUMNS = (
    "id",
    "project_id",
    "problem_id",
    "text_key",
    "writer_key",
    "text",
    "built",
    "splitter",
    "splitter_version",
    "engine",
    "model",
    "prompt_name",
    "prompt_text",
    "parameters",
    "stopped_by",
    "times_drawn",
    "final_answer",
    "is_correct",
    "grader",
    "verifier_score",
    "generation",
    "metadata",
    "created_at",
)
_STEP_COLUMNS = ("id", "solution_id", "position", "alternative", "text", "writer", "start", "end")


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells one solution from another: the columns of its unique constraint."""

    problem_id: int
    text_key: UUID
    writer_key: UUID


@dataclass(slots=True, kw_only=True)
class SolutionRow:
    """A row of Solution that the table does not have yet; fields are its columns."""

    id: int
    identity: Identity
    text: str
    engine: str
    model: str = ""
    prompt_name: str = ""
    built: bool = False
    splitter: str = GIVEN
    splitter_version: int = 1
    times_drawn: int = 1
    final_answer: str | None = None
    is_correct: bool | None = None
    grader: str = ""
    verifier_score: float | None = None
    generation: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class StepRow:
    """A row of Step; `id` is None until one is reserved."""

    id: int | None
    solution_id: int
    position: int
    alternative: int
    text: str
    writer: str
    start: int | None = None
    end: int | None = None


def known_solutions(cursor: CursorWrapper, identities: Sequence[Identity]) -> dict[Identity, int]:
    """Return the ids of the solutions that the table has."""
    cursor.execute(
        """
        SELECT solution.id, problem_id, text_key, writer_key FROM annotation_solution AS solution
        JOIN (SELECT DISTINCT * FROM unnest(%s::bigint[], %s::uuid[], %s::uuid[]))
            AS wanted (problem_id, text_key, writer_key)
            USING (problem_id, text_key, writer_key)
        """,
        [
            [identity.problem_id for identity in identities],
            [identity.text_key for identity in identities],
            [identity.writer_key for identity in identities],
        ],
    )
    return {Identity(*identity): row_id for row_id, *identity in cursor.fetchall()}


def known_steps(solution_ids: Iterable[int]) -> Iterable[StepRow]:
    """Yield the steps of these solutions in the order of their places."""
    found = Step.objects.filter(solution__in=solution_ids)
    ordered = found.order_by("solution_id", "position", "alternative")
    return (StepRow(*values) for values in ordered.values_list(*_STEP_COLUMNS))


def write_solutions(cursor: CursorWrapper, project: Project, rows: Iterable[SolutionRow]) -> None:
    now = datetime.now(UTC)
    copy_rows(
        cursor, Solution, _SOLUTION_COLUMNS, (_solution_values(row, project, now) for row in rows)
    )


def write_steps(cursor: CursorWrapper, steps: Sequence[StepRow]) -> None:
    """Write new steps, giving them their ids."""
    for step, step_id in zip(steps, reserve_ids(cursor, Step, len(steps)), strict=True):
        step.id = step_id
    copy_rows(
        cursor,
        Step,
        _STEP_COLUMNS,
        (
            (s.id, s.solution_id, s.position, s.alternative, s.text, s.writer, s.start, s.end)
            for s in steps
        ),
    )


def _solution_values(row: SolutionRow, project: Project, now: datetime) -> tuple[Any, ...]:
    return (
        row.id,
        project.pk,
        row.identity.problem_id,
        row.identity.text_key,
        row.identity.writer_key,
        row.text,
        row.built,
        row.splitter,
        row.splitter_version,
        row.engine,
        row.model,
        row.prompt_name,
        "",
        "{}",
        "",
        row.times_drawn,
        row.final_answer,
        row.is_correct,
        row.grader,
        row.verifier_score,
        row.generation,
        orjson.dumps(row.metadata).decode(),
        now,
    )
