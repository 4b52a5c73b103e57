"""The solutions that PRM800K records are about: pre-generated (phase 2), or built (phase 1)."""

from collections.abc import Sequence
from uuid import UUID

from django.db.backends.utils import CursorWrapper

from annotation.digests import digest, json_digest
from annotation.models import Project, Solution, Step
from datasets_app import path
from datasets_app.loading.candidates import SolutionSteps
from datasets_app.loading.copying import reserve_ids
from datasets_app.loading.problems import ProblemRow
from datasets_app.loading.solution_rows import (
    Identity,
    SolutionRow,
    known_solutions,
    known_steps,
    write_solutions,
)
from datasets_app.records import AnnotationRecord, PositionRecord
from labelers.answers import extract

ENGINE = "prm800k"
OwnStep = tuple[str, str] | None
"""Text and writer; None where the labeler took no step."""


def taken(position: PositionRecord) -> int | None:
    """Return which candidate is a step of the solution; None for none."""
    ratings = (candidate.rating for candidate in position.candidates or ())
    return path.taken(position.chosen, position.human is not None, ratings)


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
) -> list[SolutionSteps]:
    """Return the solution of each (import key, record), in order; new steps are not written yet.

    Pre-generated solutions are one where problem, steps, answer and score are equal; a built
    one is always its record's own.
    """
    steps = [own_steps(record) for _, record in fresh]
    identities = [
        _identity(problem, import_key, record, own)
        for (import_key, record), problem, own in zip(fresh, problems, steps, strict=True)
    ]
    known = known_with_steps(cursor, identities)
    new = dict.fromkeys(identity for identity in identities if identity not in known)
    ids = dict(zip(new, reserve_ids(cursor, Solution, len(new)), strict=True))
    rows = []
    for identity, (_, record), own in zip(identities, fresh, steps, strict=True):
        if identity not in known:
            known[identity] = SolutionSteps(ids[identity])
            known[identity].write_own(own)
            rows.append(_row(ids[identity], identity, record, own))
    write_solutions(cursor, project, rows)
    return [known[identity] for identity in identities]


def _identity(
    problem: ProblemRow, import_key: UUID, record: AnnotationRecord, own: Sequence[OwnStep]
) -> Identity:
    assert problem.id is not None
    source = record.pre_generated
    writer = [str(import_key)] if source is None else [source.answer, source.verifier_score]
    text_key = digest(*(step[0] for step in own if step))
    return Identity(problem.id, text_key, json_digest([ENGINE, *writer]))


def known_with_steps(
    cursor: CursorWrapper, identities: Sequence[Identity]
) -> dict[Identity, SolutionSteps]:
    """Return the solutions that the table has, with their steps."""
    ids = known_solutions(cursor, identities)
    known = {identity: SolutionSteps(row_id) for identity, row_id in ids.items()}
    by_id = {solution.solution_id: solution for solution in known.values()}
    for step in known_steps(by_id):
        by_id[step.solution_id].remember(step)
    return known


def _row(
    row_id: int, identity: Identity, record: AnnotationRecord, own: Sequence[OwnStep]
) -> SolutionRow:
    texts = [step[0] for step in own if step]
    source = record.pre_generated
    row = SolutionRow(
        id=row_id,
        identity=identity,
        text="\n".join(texts),
        engine=ENGINE,
        built=source is None,
        generation=record.generation,
    )
    if source is not None:
        row.final_answer, row.verifier_score = source.answer, source.verifier_score
    elif texts and record.finish_reason == "solution":
        row.final_answer = extract(texts[-1])
    return row
