"""The solutions that PRM800K records are about: pre-generated (phase 2), or built (phase 1)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from uuid import UUID

from django.db.backends.utils import CursorWrapper

from annotation.digests import digest, json_digest
from annotation.models import Project, Solution, Step
from datasets_app.loading.candidates import SolutionSteps, StepRow
from datasets_app.loading.copying import copy_rows, reserve_ids
from datasets_app.loading.problems import ProblemRow
from datasets_app.records import AnnotationRecord, PositionRecord
from labelers.answers import extract

ENGINE = "prm800k"
SPLITTER = "given"
NEGATIVE = -1
OwnStep = tuple[str, str] | None
"""Text and writer; None where the labeler took no step."""

SOLUTION_COLUMNS = (
    "id",
    "project_id",
    "problem_id",
    "text",
    "text_key",
    "built",
    "splitter",
    "splitter_version",
    "engine",
    "model",
    "prompt_name",
    "prompt_text",
    "parameters",
    "writer_key",
    "stopped_by",
    "times_drawn",
    "final_answer",
    "grader",
    "verifier_score",
    "generation",
    "metadata",
    "created_at",
)
STEP_COLUMNS = ("id", "solution_id", "position", "alternative", "text", "writer", "start", "end")


@dataclass(slots=True)
class MarkedSolution:
    """A solution that the table has, or is about to have."""

    id: int
    steps: SolutionSteps


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells one solution from another: the columns of its unique constraint."""

    problem_id: int
    text_key: UUID
    writer_key: UUID


def taken(position: PositionRecord) -> int | None:
    """Return which candidate the solution went on with, or ended with in error; None for none."""
    if position.chosen is not None or position.human is not None:
        return position.chosen
    rated = position.candidates or ()
    return 0 if any(candidate.rating == NEGATIVE for candidate in rated) else None


def own_steps(record: AnnotationRecord) -> list[OwnStep]:
    """Return the solution's own steps by position: pre-generated, or the path that was built."""
    if record.pre_generated is not None:
        return [(text, Step.Writer.MODEL) for text in record.pre_generated.steps]
    return [_built_step(position) for position in record.positions]


def _built_step(position: PositionRecord) -> OwnStep:
    index = taken(position)
    if index is not None and position.candidates:
        return position.candidates[index].text, Step.Writer.MODEL
    return (position.human.text, Step.Writer.HUMAN) if position.human else None


def find_or_add_solutions(
    cursor: CursorWrapper,
    project: Project,
    fresh: Sequence[tuple[UUID, AnnotationRecord]],
    problems: Sequence[ProblemRow],
) -> list[MarkedSolution]:
    """Return the solution of each (import key, record), in order; new steps are not written yet.

    Pre-generated solutions are one where problem, steps, answer and score are equal; a built
    one is always its record's own.
    """
    steps = [own_steps(record) for _, record in fresh]
    identities = [
        _identity(problem, import_key, record, own)
        for (import_key, record), problem, own in zip(fresh, problems, steps, strict=True)
    ]
    known = _known(cursor, identities)
    new = dict.fromkeys(identity for identity in identities if identity not in known)
    ids = dict(zip(new, reserve_ids(cursor, Solution, len(new)), strict=True))
    rows = []
    for identity, (_, record), own in zip(identities, fresh, steps, strict=True):
        if identity not in known:
            solution = MarkedSolution(ids[identity], SolutionSteps(ids[identity]))
            solution.steps.write_own(own)
            known[identity] = solution
            rows.append((identity, record, own))
    now = datetime.now(UTC)
    copy_rows(
        cursor,
        Solution,
        SOLUTION_COLUMNS,
        (_values(ids[row[0]], project, *row, now) for row in rows),
    )
    return [known[identity] for identity in identities]


def write_steps(cursor: CursorWrapper, solutions: Sequence[MarkedSolution]) -> None:
    """Write the new steps of `solutions`, giving them their ids."""
    new = [step for steps in _distinct(solutions) for step in steps.new]
    for step, step_id in zip(new, reserve_ids(cursor, Step, len(new)), strict=True):
        step.id = step_id
    copy_rows(
        cursor,
        Step,
        STEP_COLUMNS,
        (
            (s.id, s.solution_id, s.position, s.alternative, s.text, s.writer, s.start, s.end)
            for s in new
        ),
    )


def _distinct(solutions: Sequence[MarkedSolution]) -> Iterator[SolutionSteps]:
    yield from {solution.id: solution.steps for solution in solutions}.values()


def _identity(
    problem: ProblemRow, import_key: UUID, record: AnnotationRecord, own: Sequence[OwnStep]
) -> Identity:
    assert problem.id is not None
    source = record.pre_generated
    writer = [str(import_key)] if source is None else [source.answer, source.verifier_score]
    text_key = digest(*(step[0] for step in own if step))
    return Identity(problem.id, text_key, json_digest([ENGINE, *writer]))


def _known(cursor: CursorWrapper, identities: Sequence[Identity]) -> dict[Identity, MarkedSolution]:
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
    known = {
        Identity(*identity): MarkedSolution(row_id, SolutionSteps(row_id))
        for row_id, *identity in cursor.fetchall()
    }
    by_id = {solution.id: solution for solution in known.values()}
    found = Step.objects.filter(solution__in=by_id).order_by(
        "solution_id", "position", "alternative"
    )
    rows = found.values_list(*STEP_COLUMNS)
    for solution_id, steps in groupby(rows, key=lambda row: row[1]):
        by_id[solution_id].steps.remember(StepRow(*step) for step in steps)
    return known


def _values(
    row_id: int,
    project: Project,
    identity: Identity,
    record: AnnotationRecord,
    own: Sequence[OwnStep],
    now: datetime,
) -> tuple[object, ...]:
    source = record.pre_generated
    texts = [step[0] for step in own if step]
    if source is not None:
        answer, score = source.answer, source.verifier_score
    else:
        answer = extract(texts[-1]) if texts and record.finish_reason == "solution" else None
        score = None
    return (
        row_id,
        project.pk,
        identity.problem_id,
        "\n".join(texts),
        identity.text_key,
        source is None,
        SPLITTER,
        1,
        ENGINE,
        "",
        "",
        "",
        "{}",
        identity.writer_key,
        "",
        1,
        answer,
        "",
        score,
        record.generation,
        "{}",
        now,
    )
