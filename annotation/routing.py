"""Which solutions go to which labelers: assignments are made here."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from annotation import run_plans, runs
from annotation.digests import digest
from annotation.id_ranges import id_ranges
from annotation.models import (
    Annotation,
    Assignment,
    Project,
    Reconsideration,
    Run,
    RunSlice,
    Solution,
)
from annotation.reopening import lock_places
from web.models import User

UNITS_A_SLICE = 500
"""Solutions, in explore mode problems: while a slice writes, no slot of theirs opens again."""
BY_HAND = "asked for by hand"
FIRST, LAST = 1_000.0, -1_000.0
"""From FIRST up and from LAST down a priority is a manager's: no order of the queue undoes it."""
_NO_LIMIT = 2**31 - 1
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


def request(
    *,
    project: Project,
    user: User | None = None,
    ends_pause: datetime | None = None,
    looks_again: bool = False,
    gives_out: bool = True,
) -> Run:
    """Open the Run that brings the slots for people in line with the project's settings.

    In review mode every written solution gets its slots, except those that newcomers practise on;
    in explore mode every problem gets them, each with a solution of its own to build. Open slots
    beyond the overlap or of a former mode are withdrawn, the others get the priorities of the
    project's order; what people hold or have submitted, and what managers put first or last, stays.
    Where a policy says where solutions go, or with `looks_again`, all of them are looked at again;
    unless it `gives_out`, this is all.

    Asked for while it goes on, or after it was broken off, it is the same Run, which begins anew.
    A pause that began at `ends_pause` ends once no slot of a former mode is open.
    """
    with transaction.atomic():
        locked = Project.objects.lock(project.pk)
        routings = locked.runs.filter(kind=Run.Kind.ROUTING).order_by("-pk")
        latest = routings.select_for_update().first()
        if latest is not None and latest.state != Run.State.FINISHED:
            return begin_anew(latest, ends_pause, looks_again=looks_again, gives_out=gives_out)
        run = run_plans.open_run(
            project=locked,
            kind=Run.Kind.ROUTING,
            identity={"after": latest and latest.pk},
            request={
                "ends_pause": latest.request.get("ends_pause") if latest else None,
                "gives_out": False,
            },
            user=user,
        )
        return begin_anew(run, ends_pause, looks_again=looks_again, gives_out=gives_out)


def begin_anew(
    run: Run,
    ends_pause: datetime | None = None,
    *,
    looks_again: bool = False,
    gives_out: bool = False,
) -> Run:
    """Plan a Run, locked after its project, by the solutions and settings of now.

    What was asked of it before, it still does.
    """
    project, before = run.project, run.request
    project.refresh_from_db()
    run.request = {name: getattr(project, name) for name in ("mode", "overlap", "queue_order")} | {
        "ends_pause": ends_pause.isoformat() if ends_pause else before.get("ends_pause"),
        "looks_again": looks_again or before.get("looks_again", False),
        "gives_out": gives_out or before.get("gives_out", True),
    }
    run.save(update_fields=["request"])
    run_plans.plan_anew(run, _planned(project))
    return run


def route(*, project: Project) -> int:
    """Do here, beside any worker, what `request` asks for; return by how many slots it grew.

    Raises RunFailed where some of it could not be done.
    """
    run = request(project=project)
    before = run.grown
    runs.work_here(run, route_slice)
    runs.check_done(run)
    project.refresh_from_db(fields=["routing_round"])
    return run.grown - before


def route_slice(piece: RunSlice) -> Callable[[], runs.Made]:
    """Bring the slots of one slice in line. Its payload: mode, first and last id of each range."""
    return partial(_bring_in_line, piece)


@transaction.atomic
def prioritise(*, project: Project, solutions: QuerySet[Solution], priority: float | None) -> None:
    """Set the priority of the open slots of `solutions`; None returns them to the queue's order."""
    locked = Project.objects.lock(project.pk)
    lock_places(locked)
    slots = Assignment.objects.open().for_people().filter(project=locked, solution__in=solutions)
    if priority is None and locked.is_routed:
        slots.update(priority=0)
        Reconsideration.objects.ask_for(locked, slots.values_list("solution", flat=True))
    elif priority is None:
        _set_priorities(locked, slots)
    else:
        slots.update(priority=priority)
    begin_round(locked)


def _planned(project: Project) -> Iterator[list[tuple[str, int, int]]]:
    """Yield the payload of each slice: ranges, so that planning a million takes no second."""
    rows = project.problems if project.mode == Project.Mode.EXPLORE else project.solutions
    for first, last in id_ranges(rows.all(), UNITS_A_SLICE):
        yield [(project.mode, first, last)]


def _bring_in_line(piece: RunSlice) -> runs.Made:
    """Bring the slots in the ranges of a slice in line, all at once. Needs a transaction."""
    project = Project.objects.lock(piece.run.project_id)
    lock_places(project)
    grown = done = 0
    for mode, first, last in piece.payload:
        done += 1
        # Of a mode that was left meanwhile there is nothing to do; that of now has its own slices.
        if mode == project.mode:
            if piece.run.request.get("gives_out", True):
                grown += _align(project, (first, last))
            if project.is_routed or piece.run.request.get("looks_again"):
                _ask_again(project, (first, last))
    _resume_after_last(piece, project)
    return runs.Made(done=done, grown=grown)


def _align(project: Project, ids: tuple[int, int]) -> int:
    """Return by how many slots the queue grew; a new round begins where slots came or moved.

    Where a policy says where solutions go (`annotation.route`), only what is left of a former mode
    is withdrawn.
    """
    withdrawn = _withdraw(project, ids)
    if project.is_routed:
        return -withdrawn
    if project.mode == Project.Mode.EXPLORE:
        made = _route_problems(project, ids)
    else:
        made = _route_solutions(project, ids)
    first, last = ids
    of = project.unit_of_work
    slots = project.assignments.open().for_people()
    slots = slots.filter(**{f"{of}__gte": first, f"{of}__lte": last})
    moved = _set_priorities(project, slots.filter(priority__gt=LAST, priority__lt=FIRST))
    if made or moved:
        begin_round(project)
    return made - withdrawn


def _ask_again(project: Project, ids: tuple[int, int]) -> None:
    """Have the written solutions in a range looked at again that do not wait for it already.

    Needs the project locked, as whoever takes off what waits has it. Without a policy nothing
    follows for a solution that nobody has marked.
    """
    waiting = Reconsideration.objects.filter(solution=OuterRef("pk"))
    of = "problem" if project.mode == Project.Mode.EXPLORE else "pk"
    within = {f"{of}__gte": ids[0], f"{of}__lte": ids[1]}
    written = project.solutions.written().filter(~Exists(waiting), **within)
    if not project.is_routed:
        written = written.filter(Exists(Annotation.objects.filter(solution=OuterRef("pk"))))
    Reconsideration.objects.ask_for_all(project, written.values("pk"))


def _resume_after_last(piece: RunSlice, project: Project) -> None:
    """End the pause that waits for this Run, if no slot of a former mode is left.

    Slices of a project are written one after another, so that one of them is the last.
    """
    began = Run.objects.get(pk=piece.run_id).request.get("ends_pause")
    if began is None or piece.run.slices.unfinished().exclude(pk=piece.pk).exists():
        return
    if not project.assignments.open().of_another_mode().exists():
        Project.objects.filter(pk=project.pk, paused_at=began).update(paused_at=None)


def _withdraw(project: Project, ids: tuple[int, int]) -> int:
    """Withdraw the open slots beyond the overlap or of a former mode; return how many."""
    of = "solution.problem_id" if project.mode == Project.Mode.EXPLORE else "slot.solution_id"
    statement = f"""
        WITH ranked AS (
            SELECT slot.id, slot.state, solution.built, row_number() OVER (
                PARTITION BY {of}, solution.built ORDER BY slot.state = 'open', slot.id
            ) AS place
            FROM annotation_assignment AS slot
            JOIN annotation_solution AS solution ON solution.id = slot.solution_id
            WHERE slot.project_id = %s AND NOT slot.is_named AND slot.state <> 'withdrawn'
                AND {of} BETWEEN %s AND %s
        ),
        too_many AS (
            SELECT id FROM ranked WHERE (place > %s OR built <> %s) AND state = 'open'
        ),
        withdrawn AS (
            UPDATE annotation_assignment AS slot SET state = 'withdrawn'
            FROM too_many WHERE slot.id = too_many.id AND slot.state = 'open'
            RETURNING slot.id
        )
        SELECT (SELECT count(*) FROM too_many), (SELECT count(*) FROM withdrawn)
    """  # noqa: S608 - `of` is one of two names
    explores = project.mode == Project.Mode.EXPLORE
    overlap = _NO_LIMIT if project.is_routed else project.overlap
    in_all, too_many, withdrawn = 0, 1, 0
    # Of one that was claimed in between, another slot is too many now.
    while too_many > withdrawn:
        with connection.cursor() as cursor:
            cursor.execute(statement, [project.pk, *ids, overlap, explores])
            too_many, withdrawn = cursor.fetchone()
        in_all += withdrawn
    return in_all


def _set_priorities(project: Project, slots: QuerySet[Assignment]) -> int:
    """Give `slots` the priorities of the project's order; return how many had others."""
    chosen, parameters = slots.values("pk", "solution").query.sql_with_params()
    # In this order: the planner would rather look for the few of all slots that are to change.
    statement = f"""
        WITH chosen (id, solution_id) AS MATERIALIZED ({chosen}),
        wanted AS MATERIALIZED (
            SELECT chosen.id, {_PRIORITY[Project.Order(project.queue_order)]} AS priority
            FROM chosen JOIN annotation_solution AS solution ON solution.id = chosen.solution_id
        )
        UPDATE annotation_assignment AS slot SET priority = wanted.priority
        FROM wanted WHERE wanted.id = slot.id AND slot.priority <> wanted.priority
    """  # noqa: S608 - Django's own statement, and a priority from the list above
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        moved: int = cursor.rowcount
    return moved


def _route_solutions(project: Project, ids: tuple[int, int]) -> int:
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
        WHERE solution.project_id = %s AND solution.id BETWEEN %s AND %s AND NOT solution.built
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
        cursor.execute(statement, [BY_HAND, project.overlap, project.pk, *ids])
        made: int = cursor.rowcount
    return made


def _route_problems(project: Project, ids: tuple[int, int]) -> int:
    slot = Q(solutions__assignments__is_named=False)
    withdrawn = Q(solutions__assignments__state=Assignment.State.WITHDRAWN)
    n_slots = Count("solutions__assignments", filter=slot & ~withdrawn)
    problems = project.problems.filter(pk__range=ids).order_by("pk").annotate(n_slots=n_slots)
    solutions = Solution.objects.bulk_create(
        _to_build(project, problem_id)
        for problem_id, has in problems.values_list("pk", "n_slots")
        for _ in range(project.overlap - has)
    )
    Assignment.objects.bulk_create(
        Assignment(project=project, solution=solution, reason=BY_HAND) for solution in solutions
    )
    return len(solutions)


def _to_build(project: Project, problem_id: int) -> Solution:
    """Return the solution that a labeler will build for a problem: one for each slot."""
    keys = {"text_key": uuid4(), "writer_key": digest(BUILDER)}
    of = {"project": project, "problem_id": problem_id, "engine": BUILDER}
    return Solution(**of, **keys, built=True, splitter="given")


def begin_round(project: Project) -> None:
    """Have every labeler read the queue from its start: slots came in, or changed places."""
    Project.objects.filter(pk=project.pk).update(routing_round=F("routing_round") + 1)
