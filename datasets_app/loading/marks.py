"""Ready-made solutions with the marks of one labeler into rows, by COPY."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.backends.utils import CursorWrapper

from annotation.digests import digest, json_digest
from annotation.models import Annotation, Project, Solution, Step
from datasets_app.importers import Imported
from datasets_app.loading.annotation_rows import AnnotationRow, Marks, write_annotations
from datasets_app.loading.batches import Report, Write
from datasets_app.loading.candidates import SolutionSteps
from datasets_app.loading.copying import reserve_ids
from datasets_app.loading.labelers import ids_of
from datasets_app.loading.marked_solutions import known_with_steps
from datasets_app.loading.occurrences import Counting
from datasets_app.loading.problems import find_or_add
from datasets_app.loading.solution_rows import Identity, SolutionRow, write_solutions
from datasets_app.records import CandidateRecord, MarkedRecord, PositionRecord
from labelers import answers

CLAIMED = "import"
"""The grader of an answer that has nothing to be compared with: the source said it."""


@dataclass(slots=True)
class Draft:
    """A record, graded, whose rows are not known yet."""

    record: MarkedRecord
    key: UUID
    """Digest of what it says: the import key of its annotation."""
    final_answer: str | None
    is_correct: bool | None = None


class MarkLoader:
    """Loads marked solutions. A record is known by its content: equal ones are one."""

    def start(self, occurrences: Counting) -> None:
        pass

    def prepare(
        self, project: Project, batch: list[Imported[MarkedRecord]], report: Report
    ) -> Write:
        drafts = list({draft.key: draft for draft in map(_draft, batch)}.values())
        pairs = [(draft.final_answer, draft.record.problem.reference_answer) for draft in drafts]
        for draft, is_correct in zip(drafts, answers.grade(pairs), strict=True):
            draft.is_correct = is_correct

        def write(cursor: CursorWrapper) -> int:
            found = Annotation.objects.filter(
                project=project, import_key__in=[draft.key for draft in drafts]
            )
            known = set(found.values_list("import_key", flat=True))
            return _write(cursor, project, [draft for draft in drafts if draft.key not in known])

        return write


def _draft(imported: Imported[MarkedRecord]) -> Draft:
    record = imported.record
    solution = record.solution
    said = [
        [record.problem.text, record.problem.reference_answer],
        [solution.engine, solution.model, solution.prompt, list(solution.steps or ())],
        record.labeler and [record.labeler.name, str(record.labeler.person or "")],
        [_said(position) for position in record.positions],
        list(record.human),
        [record.finish_reason, record.timestamp and record.timestamp.isoformat()],
    ]
    final_answer = solution.final_answer or answers.extract(solution.text)
    return Draft(record, json_digest(said), final_answer)


def _said(position: PositionRecord) -> list[Any]:
    def mark(one: CandidateRecord) -> list[Any]:
        return [one.text, one.rating, one.flagged, one.soft, one.probabilities]

    listed = None if position.candidates is None else [mark(one) for one in position.candidates]
    return [position.chosen, listed, position.human and mark(position.human)]


def _write(cursor: CursorWrapper, project: Project, drafts: Sequence[Draft]) -> int:
    """Write what is new in drafts whose annotations are; return how many brought something."""
    identities = _identities(cursor, project, drafts)
    solutions = known_with_steps(cursor, identities)
    first = dict(zip(reversed(identities), reversed(drafts), strict=True))
    new = {identity: draft for identity, draft in first.items() if identity not in solutions}
    ids = reserve_ids(cursor, Solution, len(new))
    rows = []
    for row_id, (identity, draft) in zip(ids, new.items(), strict=True):
        solutions[identity] = SolutionSteps(row_id)
        solutions[identity].write_own(_own_steps(draft.record))
        rows.append(_solution_row(row_id, identity, draft))
    write_solutions(cursor, project, rows)
    labelers = ids_of(
        cursor, {labeler for draft in drafts if (labeler := draft.record.labeler) is not None}
    )
    now = datetime.now(UTC)
    annotations = []
    for identity, draft in zip(identities, drafts, strict=True):
        if (labeler := draft.record.labeler) is not None:
            row = _annotation_row(draft, labelers[labeler], solutions[identity], now)
            annotations.append(row)
    write_annotations(cursor, project, solutions.values(), annotations)
    unmarked = [draft for draft in new.values() if draft.record.labeler is None]
    return len(annotations) + len(unmarked)


def _identities(cursor: CursorWrapper, project: Project, drafts: Sequence[Draft]) -> list[Identity]:
    problems = find_or_add(cursor, project, [draft.record.problem for draft in drafts])
    identities = []
    for problem, draft in zip(problems, drafts, strict=True):
        assert problem.id is not None
        solution = draft.record.solution
        # As ready-made solutions have it; what a labeler built is this labeler's alone.
        writer = [solution.engine, solution.model, solution.prompt, {}]
        if draft.record.human:
            writer.append(str(draft.key))
        text_key = digest(*(solution.steps or ()))
        identities.append(Identity(problem.id, text_key, json_digest(writer)))
    return identities


def _own_steps(record: MarkedRecord) -> list[tuple[str, str]]:
    return [
        (text, Step.Writer.HUMAN if position in record.human else Step.Writer.MODEL)
        for position, text in enumerate(record.solution.steps or ())
    ]


def _solution_row(row_id: int, identity: Identity, draft: Draft) -> SolutionRow:
    solution = draft.record.solution
    is_graded = draft.is_correct is not None or solution.claimed_correct is None
    return SolutionRow(
        id=row_id,
        identity=identity,
        text=solution.text,
        engine=solution.engine,
        model=solution.model,
        prompt_name=solution.prompt,
        built=bool(draft.record.human),
        final_answer=draft.final_answer,
        is_correct=draft.is_correct if is_graded else solution.claimed_correct,
        grader=answers.GRADER if is_graded else CLAIMED,
        verifier_score=solution.verifier_score,
        metadata=dict(solution.metadata),
    )


def _annotation_row(
    draft: Draft, labeler_id: int, solution: SolutionSteps, now: datetime
) -> AnnotationRow:
    record = draft.record
    said = record.timestamp
    return AnnotationRow(
        import_key=draft.key,
        labeler_id=labeler_id,
        solution=solution,
        marks=[
            Marks(index, position, *solution.place(index, position, own=_own(record, index)))
            for index, position in enumerate(record.positions)
        ],
        submitted_at=now if said is None else said.replace(tzinfo=UTC),
        finish_reason=record.finish_reason,
        evidence=dict(record.evidence),
    )


def _own(record: MarkedRecord, index: int) -> int | None:
    """Return which candidate has the text of the solution's own step, the first of them."""
    steps = record.solution.steps or ()
    candidates = record.positions[index].candidates or ()
    texts = [candidate.text for candidate in candidates]
    return texts.index(steps[index]) if index < len(steps) and steps[index] in texts else None
