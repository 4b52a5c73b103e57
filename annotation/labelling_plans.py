"""What a labelling Run is to do, planned a part at a time: any size takes the same time to ask for.

One slice of a Run that is not planned to its end plans on: its payload is one Plan, and it comes
after the slices planned so far. While it is there, every solution that has no assignment of the
labeler, whenever it came, will get one: nothing has to be asked for twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.db import connection

from annotation import run_plans
from annotation.asking import lacking
from annotation.cases import counts
from annotation.models import Assignment, Project, Run, RunSlice
from labelers.models import Labeler

PLANNED_AT_ONCE = 1_000
"""Solutions: while these are planned, no slice of the Run can end."""
COUNTED_AT_ONCE = 100_000
"""Solutions that whoever asks for a Run waits to have counted; a worker counts the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is left to be planned of a Run."""

    problem: int
    """Id of the problem to go on from; those before it have been planned."""
    left: int
    """Solutions, as far as is known."""
    is_counted: bool
    """Whether `left` is all, or at least that many."""
    reason: str
    """Of the assignments to be made."""


def plan_in(piece: RunSlice) -> Plan | None:
    """Return what a slice is to plan; None for one that is to judge."""
    return _plan_of(piece.payload)


def ask_for_all(*, run: Run, labeler: Labeler, batch_size: int, reason: str) -> None:
    """Have a locked Run plan every written solution that has no assignment of `labeler`.

    As much as is planned at once is planned here; a slice that plans on is added for the rest.
    """
    if run.slices.unfinished().plans().exists():
        return
    plan = Plan(problem=0, left=0, is_counted=False, reason=reason)
    go_on(run=run, labeler=labeler, plan=plan, batch_size=batch_size)


def count_rest(project: Project, labeler: Labeler, plan: Plan) -> Plan:
    """Return `plan` with all that it has left counted. Goes through the project's solutions."""
    if plan.is_counted:
        return plan
    return replace(plan, left=lacking(project, labeler).count(), is_counted=True)


def go_on(
    *, run: Run, labeler: Labeler, plan: Plan, batch_size: int, piece: RunSlice | None = None
) -> None:
    """Plan the next part of `plan` in a locked Run, and a slice for what is left then.

    `piece` is the slice that does this: it counts as done.
    """
    project = run.project
    found = _next(project, labeler, plan.problem, PLANNED_AT_ONCE + 1)
    if not found and plan.problem:
        # What came in late, for problems that had been planned.
        found = _next(project, labeler, 0, PLANNED_AT_ONCE + 1)
    now, more = found[:PLANNED_AT_ONCE], len(found) > PLANNED_AT_ONCE
    made = Assignment.objects.bulk_create(
        Assignment(
            project=project,
            solution_id=solution,
            labeler=labeler,
            is_named=True,
            reason=plan.reason,
        )
        for solution, _ in now
    )
    problems = [problem for _, problem in now]
    batches: list[list[Any]] = list(_batches(made, problems, batch_size))
    if more or (plan.problem and now):
        rest = _rest(project, labeler, plan, found[-1][1], len(now))
        batches.append([asdict(rest)])
    run_plans.add_slices(run, batches, settles=False)
    run_plans.recount(run, but=piece)


def again(entries: Sequence[Any], batch_size: int) -> list[list[Any]]:
    """Return the payloads of slices that do once more what became of `entries`, which failed."""
    plans = [[entry] for entry in entries if _plan_of([entry])]
    slots = [entry for entry in entries if not _plan_of([entry])]
    return [list(batch) for batch in run_plans.batches(slots, batch_size)] + plans


def _plan_of(payload: Sequence[Any]) -> Plan | None:
    return Plan(**payload[0]) if payload and isinstance(payload[0], dict) else None


def _rest(project: Project, labeler: Labeler, plan: Plan, problem: int, n_planned: int) -> Plan:
    """Return what is left of `plan` after a part that ends at `problem`, whose rest may be left."""
    if plan.left:
        return replace(plan, problem=problem, left=max(0, plan.left - n_planned))
    n_left = lacking(project, labeler).order_by()[:COUNTED_AT_ONCE].count()
    return replace(plan, problem=problem, left=n_left, is_counted=n_left < COUNTED_AT_ONCE)


def _next(project: Project, labeler: Labeler, problem: int, limit: int) -> list[tuple[int, int]]:
    """Return (solution, problem) of the next that are missing, a problem's by their text.

    So solutions that begin alike follow each other, and can be judged together.
    """
    statement = f"""
        SELECT solution.id, problem.id
        FROM (
            SELECT id FROM annotation_problem WHERE project_id = %s AND id >= %s ORDER BY id
        ) AS problem
        CROSS JOIN LATERAL (
            SELECT id, text FROM annotation_solution AS solution
            WHERE solution.problem_id = problem.id AND NOT solution.built AND NOT EXISTS (
                SELECT FROM annotation_assignment AS slot
                WHERE slot.labeler_id = %s AND slot.solution_id = solution.id
            ) AND NOT EXISTS (
                SELECT FROM annotation_annotation AS annotation
                WHERE annotation.labeler_id = %s AND annotation.solution_id = solution.id
                    AND {counts("annotation")}
            )
            ORDER BY text COLLATE "C", id
        ) AS solution
        ORDER BY problem.id, solution.text COLLATE "C", solution.id
        LIMIT %s
    """  # noqa: S608 - from above and from `cases`
    with connection.cursor() as cursor:
        cursor.execute(statement, [project.pk, problem, labeler.pk, labeler.pk, limit])
        return [*cursor.fetchall()]


def _batches(made: Sequence[Assignment], problems: Sequence[int], size: int) -> Iterator[list[int]]:
    """Yield the ids of `made` in batches; a problem that fits into one is not spread over two."""
    batch: list[int] = []
    start = 0
    while start < len(made):
        end = start
        while end < len(made) and problems[end] == problems[start]:
            end += 1
        of_problem = [assignment.pk for assignment in made[start:end]]
        if batch and len(batch) + len(of_problem) > size:
            yield batch
            batch = []
        batch += of_problem
        while len(batch) > size:
            yield batch[:size]
            batch = batch[size:]
        start = end
    if batch:
        yield batch
