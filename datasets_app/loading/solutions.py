"""Ready-made solutions into rows: split, graded, each text by one writer once."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.backends.utils import CursorWrapper
from django.db.models import F
from django.db.models.functions import Greatest

from annotation import steps
from annotation.digests import digest, json_digest
from annotation.models import Problem, Project, Solution, Step
from datasets_app.importers import Imported
from datasets_app.loading.batches import Report, Write
from datasets_app.loading.copying import reserve_ids
from datasets_app.loading.occurrences import Counting
from datasets_app.loading.problems import find_or_add
from datasets_app.loading.solution_rows import (
    GIVEN,
    Identity,
    SolutionRow,
    StepRow,
    known_solutions,
    write_solutions,
    write_steps,
)
from datasets_app.records import ProblemRecord, SolutionRecord
from labelers import answers


@dataclass(frozen=True, slots=True)
class KnownProblem:
    """A problem that the project has, found by its external id."""

    id: int
    reference_answer: str | None


@dataclass(slots=True)
class Draft:
    """A solution, split and graded, whose row is not known yet."""

    record: SolutionRecord
    problem: ProblemRecord | KnownProblem
    split: steps.Split
    text_key: UUID
    writer_key: UUID
    final_answer: str | None
    is_correct: bool | None = None


class SolutionLoader:
    """Loads solutions. Equal texts by the same writer are one row, which counts them.

    The count is that of the file which has most of them: importing a file again changes none.
    """

    def __init__(self, splitter: str):
        self._splitter = splitter

    def start(self, occurrences: Counting) -> None:
        self._occurrences = occurrences

    def prepare(
        self, project: Project, batch: list[Imported[SolutionRecord]], report: Report
    ) -> Write:
        drafts = self._drafts(project, batch, report)
        pairs = [(draft.final_answer, draft.problem.reference_answer) for draft in drafts]
        for draft, is_correct in zip(drafts, answers.grade(pairs), strict=True):
            draft.is_correct = is_correct

        def write(cursor: CursorWrapper) -> int:
            identities = _identities(cursor, project, drafts)
            keys = [_key(identity) for identity in identities]
            numbers = self._occurrences.number(cursor, keys)
            times_drawn = dict(zip(identities, numbers, strict=True))
            first = dict(zip(reversed(identities), reversed(drafts), strict=True))
            known = known_solutions(cursor, identities)
            new = [identity for identity in times_drawn if identity not in known]
            _add(cursor, project, [(identity, first[identity]) for identity in new], times_drawn)
            _count(known, times_drawn)
            return len(new)

        return write

    def _drafts(
        self, project: Project, batch: Sequence[Imported[SolutionRecord]], report: Report
    ) -> list[Draft]:
        named = _problems_by_external_id(project, batch)
        drafts = []
        for imported in batch:
            problem = imported.record.problem
            if isinstance(problem, ProblemRecord):
                drafts.append(self._draft(imported.record, problem))
            elif problem not in named:
                report(imported.bad(f"no problem in the project has the id {problem!r}"))
            elif (only := named[problem]) is None:
                report(imported.bad(f"several problems in the project have the id {problem!r}"))
            else:
                drafts.append(self._draft(imported.record, only))
        return drafts

    def _draft(self, record: SolutionRecord, problem: ProblemRecord | KnownProblem) -> Draft:
        given = record.steps
        return Draft(
            record=record,
            problem=problem,
            split=steps.split(record.text, self._splitter) if given is None else _joined(given),
            text_key=digest(record.text) if given is None else digest(*given),
            writer_key=json_digest([record.engine, record.model, record.prompt, {}]),
            final_answer=record.final_answer or answers.extract(record.text),
        )


def _problems_by_external_id(
    project: Project, batch: Sequence[Imported[SolutionRecord]]
) -> dict[str, ProblemRecord | KnownProblem | None]:
    """Return the problem that each id names, None where the project has several of that id."""
    problems = [imported.record.problem for imported in batch]
    named: dict[str, ProblemRecord | KnownProblem | None] = {
        problem.external_id: problem for problem in problems if isinstance(problem, ProblemRecord)
    }
    wanted = {problem for problem in problems if isinstance(problem, str)}
    found = Problem.objects.filter(project=project, external_id__in=wanted)
    rows: dict[str, list[KnownProblem]] = defaultdict(list)
    for external_id, row_id, answer in found.values_list("external_id", "id", "reference_answer"):
        rows[external_id].append(KnownProblem(row_id, answer))
    named.update((name, known[0] if len(known) == 1 else None) for name, known in rows.items())
    return named


def _joined(given: Sequence[str]) -> steps.Split:
    """Return the split of a text that is the given steps, a line break between them."""
    spans = []
    start = 0
    for text in given:
        spans.append(steps.Span(text, start, start + len(text)))
        start += len(text) + 1
    return steps.Split(GIVEN, 1, tuple(spans), None)


def _identities(cursor: CursorWrapper, project: Project, drafts: Sequence[Draft]) -> list[Identity]:
    records = [d.problem for d in drafts if isinstance(d.problem, ProblemRecord)]
    rows = iter(find_or_add(cursor, project, records))
    identities = []
    for draft in drafts:
        problem_id = draft.problem.id if isinstance(draft.problem, KnownProblem) else next(rows).id
        assert problem_id is not None
        identities.append(Identity(problem_id, draft.text_key, draft.writer_key))
    return identities


def _key(identity: Identity) -> UUID:
    return digest(str(identity.problem_id), str(identity.text_key), str(identity.writer_key))


def _add(
    cursor: CursorWrapper,
    project: Project,
    new: Sequence[tuple[Identity, Draft]],
    times_drawn: dict[Identity, int],
) -> None:
    ids = list(reserve_ids(cursor, Solution, len(new)))
    write_solutions(
        cursor,
        project,
        (
            _row(row_id, identity, draft, times_drawn[identity])
            for row_id, (identity, draft) in zip(ids, new, strict=True)
        ),
    )
    write_steps(
        cursor,
        [
            StepRow(None, row_id, position, 0, span.text, Step.Writer.MODEL, span.start, span.end)
            for row_id, (_, draft) in zip(ids, new, strict=True)
            for position, span in enumerate(draft.split.steps)
        ],
    )


def _row(row_id: int, identity: Identity, draft: Draft, times_drawn: int) -> SolutionRow:
    record = draft.record
    metadata = dict(record.metadata)
    if record.claimed_correct is not None:
        metadata["claimed_correct"] = record.claimed_correct
    return SolutionRow(
        id=row_id,
        identity=identity,
        text=record.text,
        engine=record.engine,
        model=record.model,
        prompt_name=record.prompt,
        splitter=draft.split.splitter,
        splitter_version=draft.split.version,
        times_drawn=times_drawn,
        final_answer=draft.final_answer,
        is_correct=draft.is_correct,
        grader=answers.GRADER,
        verifier_score=record.verifier_score,
        metadata=metadata,
    )


def _count(known: dict[Identity, int], times_drawn: dict[Identity, int]) -> None:
    for identity, row_id in known.items():
        if times_drawn[identity] > 1:
            count = Greatest(F("times_drawn"), times_drawn[identity])
            Solution.objects.filter(pk=row_id).update(times_drawn=count)
