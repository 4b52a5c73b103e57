"""Which solutions go to which labelers: assignments are made here."""

from collections.abc import Iterator
from itertools import islice
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from annotation.digests import digest
from annotation.models import Assignment, Project, Solution
from annotation.reopening import lock_places
from labelers.models import Labeler

BY_HAND = "asked for by hand"
FIRST, LAST = 1_000.0, -1_000.0
"""From FIRST up and from LAST down a priority is a manager's: no order of the queue undoes it."""
BUILDER = "person"
"""The engine of a solution that a labeler builds step by step."""

_PRIORITY = {
    Project.Order.OLDEST: "0",
    # A wrong answer with a high verifier score: what a verifier learns most from (LV section 2.4).
    Project.Order.CONVINCING: (
        "coalesce((NOT solution.is_correct)::int, 0) + coalesce(solution.verifier_score, 0)"
    ),
    Project.Order.RANDOM: "hashint8extended(solution.id, 0) / 2.0 ^ 63",
}


def route_to(
    *, project: Project, labeler: Labeler, reason: str, batch_size: int
) -> Iterator[list[int]]:
    """Make an assignment for `labeler` on every written solution that has none of theirs.

    Yields the ids of the new assignments in the order of their solutions, a batch at a time,
    as they are made. Needs a transaction.
    """
    theirs = Assignment.objects.filter(labeler=labeler, solution=OuterRef("pk"))
    missing = project.solutions.written().exclude(Exists(theirs)).order_by("id")
    solution_ids = missing.values_list("id", flat=True).iterator()
    while batch := list(islice(solution_ids, batch_size)):
        made = Assignment.objects.bulk_create(
            Assignment(
                project=project,
                solution_id=solution_id,
                labeler=labeler,
                is_named=True,
                reason=reason,
            )
            for solution_id in batch
        )
        yield [assignment.pk for assignment in made]


@transaction.atomic
def route(*, project: Project, reason: str = BY_HAND) -> int:
    """Make the slots for people that are missing up to the project's overlap; return how many.

    In review mode every written solution gets its slots, except those that newcomers practise on;
    in explore mode every problem gets them, each with a solution of its own to build.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if project.mode == Project.Mode.EXPLORE:
        made = _route_problems(project, reason)
    else:
        made = _route_solutions(project, reason)
    if made:
        _begin_round(project)
    return made


@transaction.atomic
def resize(*, project: Project) -> int:
    """Follow a changed overlap: make the missing slots, withdraw the open ones too many.

    Returns by how many slots the queue grew; negative where it shrank. What people hold or have
    submitted is left alone.
    """
    made = route(project=project)
    lock_places(project)
    of = "solution.problem_id" if project.mode == Project.Mode.EXPLORE else "solution.id"
    statement = f"""
        WITH ranked AS (
            SELECT slot.id, slot.state, row_number() OVER (
                PARTITION BY {of} ORDER BY slot.state = 'open', slot.id
            ) AS place
            FROM annotation_assignment AS slot
            JOIN annotation_solution AS solution ON solution.id = slot.solution_id
            WHERE slot.project_id = %s AND NOT slot.is_named AND slot.state <> 'withdrawn'
        ),
        too_many AS (SELECT id FROM ranked WHERE place > %s AND state = 'open'),
        withdrawn AS (
            UPDATE annotation_assignment AS slot SET state = 'withdrawn'
            FROM too_many WHERE slot.id = too_many.id AND slot.state = 'open'
            RETURNING slot.id
        )
        SELECT (SELECT count(*) FROM too_many), (SELECT count(*) FROM withdrawn)
    """  # noqa: S608 - `of` is one of two names
    grown, too_many, withdrawn = made, 1, 0
    # Of one that was claimed in between, another slot is too many now.
    while too_many > withdrawn:
        with connection.cursor() as cursor:
            cursor.execute(statement, [project.pk, project.overlap])
            too_many, withdrawn = cursor.fetchone()
        grown -= withdrawn
    return grown


@transaction.atomic
def reorder(*, project: Project) -> None:
    """Give the open slots the priorities of the project's order, but keep a manager's own."""
    lock_places(project)
    slots = Assignment.objects.open().for_people().filter(project=project)
    _set_priorities(project, slots.filter(priority__gt=LAST, priority__lt=FIRST))


@transaction.atomic
def prioritise(*, project: Project, solutions: QuerySet[Solution], priority: float | None) -> None:
    """Set the priority of the open slots of `solutions`; None returns them to the queue's order."""
    lock_places(project)
    slots = Assignment.objects.open().for_people().filter(project=project, solution__in=solutions)
    if priority is None:
        _set_priorities(project, slots)
    else:
        slots.update(priority=priority)
        _begin_round(project)


def _set_priorities(project: Project, slots: QuerySet[Assignment]) -> None:
    chosen, parameters = slots.values("pk").query.sql_with_params()
    statement = f"""
        UPDATE annotation_assignment AS slot
        SET priority = {_PRIORITY[Project.Order(project.queue_order)]}
        FROM annotation_solution AS solution
        WHERE solution.id = slot.solution_id AND slot.id IN ({chosen})
    """  # noqa: S608 - Django's own statement, and a priority from the list above
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
    _begin_round(project)


def _route_solutions(project: Project, reason: str) -> int:
    statement = f"""
        INSERT INTO annotation_assignment
            (project_id, solution_id, is_named, state, priority, reason, error, created_at)
        SELECT solution.project_id, solution.id, false, 'open',
            {_PRIORITY[Project.Order(project.queue_order)]}, %s, '', now()
        FROM annotation_solution AS solution
        CROSS JOIN LATERAL generate_series(
            1 + (
                SELECT count(*) FROM annotation_assignment AS slot
                WHERE slot.solution_id = solution.id AND NOT slot.is_named
                    AND slot.state <> 'withdrawn'
            ),
            %s
        )
        WHERE solution.project_id = %s AND NOT solution.built
            AND NOT EXISTS (
                SELECT 1 FROM annotation_annotation AS shown
                WHERE shown.solution_id = solution.id AND shown.is_practice AND NOT EXISTS (
                    SELECT 1 FROM annotation_annotation AS correction
                    WHERE correction.supersedes_id = shown.id
                )
            )
        ORDER BY solution.id
    """  # noqa: S608 - a priority from the list above
    with connection.cursor() as cursor:
        cursor.execute(statement, [reason, project.overlap, project.pk])
        made: int = cursor.rowcount
    return made


def _route_problems(project: Project, reason: str) -> int:
    slot = Q(solutions__assignments__is_named=False)
    withdrawn = Q(solutions__assignments__state=Assignment.State.WITHDRAWN)
    n_slots = Count("solutions__assignments", filter=slot & ~withdrawn)
    slots_of = (
        project.problems.order_by("pk").annotate(n_slots=n_slots).values_list("pk", "n_slots")
    )
    made = 0
    for problem_id, has in slots_of.filter(n_slots__lt=project.overlap).iterator():
        solutions = Solution.objects.bulk_create(
            _to_build(project, problem_id) for _ in range(project.overlap - has)
        )
        Assignment.objects.bulk_create(
            Assignment(project=project, solution=solution, reason=reason) for solution in solutions
        )
        made += len(solutions)
    return made


def _to_build(project: Project, problem_id: int) -> Solution:
    """Return the solution that a labeler will build for a problem: one for each slot."""
    return Solution(
        project=project,
        problem_id=problem_id,
        built=True,
        splitter="given",
        engine=BUILDER,
        text_key=uuid4(),
        writer_key=digest(BUILDER),
    )


def _begin_round(project: Project) -> None:
    """Have every labeler read the queue from its start: slots came in, or changed places."""
    Project.objects.filter(pk=project.pk).update(routing_round=F("routing_round") + 1)
    project.refresh_from_db(fields=["routing_round"])
