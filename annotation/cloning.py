"""A new project that begins where another one stands, without a single mark."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from annotation import run_control, run_plans, runs
from annotation.id_ranges import id_ranges
from annotation.models import Membership, Problem, Project, Run, RunSlice, Solution, Step
from web.models import User

ROWS_A_SLICE = 500
PROBLEMS, SOLUTIONS = "problems", "solutions"
"""What a slice's ranges are of: problems alone, or solutions with their problems and steps."""

# A setting, unlike these, goes along.
OWN = frozenset(
    {"id", "slug", "name", "created_at", "paused_at", "archived_at", "routing_round", "announces"}
)


@transaction.atomic
def clone(
    *, project: Project, user: User, slug: str, name: str, with_content: bool = False
) -> tuple[Project, Run | None]:
    """Make a project with the settings, guidelines and members of `project`; `user` manages it.

    What may spend the site's key goes along with a superuser alone: the engine that draws
    candidates, and a policy by which an engine is asked.

    With content, a Run of the new project, returned beside it, brings in the problems, and the
    solutions that came whole from a writer with their steps: nothing that a labeler marked, built
    or wrote.
    """
    settings = {
        field.attname: getattr(project, field.attname)
        for field in Project._meta.concrete_fields
        if field.name not in OWN
    }
    if not user.is_superuser:
        del settings["drawing"]
        if run_control.not_payable(user, project.routing.get("first", ())):
            del settings["routing"]
    made = Project.objects.create(slug=slug, name=name, **settings)
    members = Membership.objects.active().filter(project=project).exclude(user=user)
    Membership.objects.bulk_create(
        Membership(project=made, user_id=member.user_id, role=member.role) for member in members
    )
    Membership.objects.create(project=made, user=user, role=Membership.Role.MANAGER)
    return made, _plan_content(project, made, user) if with_content else None


def filling(project: Project) -> Run | None:
    """Return the Run that is still to bring content into a clone, going on or stopped."""
    run = project.runs.filter(kind=Run.Kind.CLONING).first()
    return None if run is None or run.is_whole else run


def _plan_content(source: Project, target: Project, user: User) -> Run:
    run = run_plans.open_run(
        project=target,
        kind=Run.Kind.CLONING,
        identity={"source": source.pk},
        request={"source": source.pk},
        user=user,
    )
    plan = [
        [(of, first, last)]
        for of, rows in (
            # In this order, so that problems keep theirs as far as workers let them.
            (PROBLEMS, source.problems.all()),
            (SOLUTIONS, source.solutions.all()),
        )
        for first, last in id_ranges(rows, ROWS_A_SLICE)
    ]
    run_plans.add_slices(run, plan)
    return run


def copy_slice(piece: RunSlice) -> Callable[[], runs.Made]:
    """Copy the rows of one slice. Its payload: what the rows are, first and last id of each range.

    Raises CannotRun where the project that is copied is there no more.
    """
    source = Project.objects.filter(pk=piece.run.request["source"]).first()
    if source is None:
        raise runs.CannotRun("the project that is copied was deleted")
    return partial(_copy, source, piece.run.project, piece.payload)


def _copy(source: Project, target: Project, payload: Iterable[Sequence[Any]]) -> runs.Made:
    """Copy rows within the database; a copy is found again by what makes its row distinct.

    What somebody else has brought into the new project meanwhile stays theirs. Needs a transaction.
    """
    done = 0
    for of, first, last in payload:
        ids = {"source": source.pk, "target": target.pk, "first": first, "last": last}
        with connection.cursor() as cursor:
            if of == PROBLEMS:
                cursor.execute(_written(COPY_PROBLEMS, which=OWN_RANGE), ids)
            else:
                # Its slice may not have been worked on yet.
                cursor.execute(_written(COPY_PROBLEMS, which=OF_SOLUTIONS), ids)
                cursor.execute(_written(COPY_SOLUTIONS), ids)
        done += 1
    return runs.Made(done=done)


OWN_RANGE = "problem.id BETWEEN %(first)s AND %(last)s"
OF_SOLUTIONS = """problem.id IN (
    SELECT problem_id FROM annotation_solution AS solution
    WHERE solution.project_id = %(source)s AND NOT solution.built
        AND solution.id BETWEEN %(first)s AND %(last)s
)"""
COPY_PROBLEMS = """
    INSERT INTO annotation_problem (project_id, {problems})
    SELECT %(target)s, {of_problem} FROM annotation_problem AS problem
    WHERE problem.project_id = %(source)s AND {which} ORDER BY problem.id
    ON CONFLICT DO NOTHING
"""
COPY_SOLUTIONS = """
    WITH copied AS (
        INSERT INTO annotation_solution (project_id, problem_id, {solutions})
        SELECT copy.project_id, copy.id, {of_solution}
        FROM annotation_solution AS solution
        JOIN annotation_problem AS problem ON problem.id = solution.problem_id
        JOIN annotation_problem AS copy ON copy.project_id = %(target)s
            AND copy.key = problem.key
            AND copy.solution_key IS NOT DISTINCT FROM problem.solution_key
        WHERE solution.project_id = %(source)s AND NOT solution.built
            AND solution.id BETWEEN %(first)s AND %(last)s
        ORDER BY solution.id
        ON CONFLICT DO NOTHING
        RETURNING id, problem_id, text_key, writer_key
    )
    INSERT INTO annotation_step (solution_id, {steps})
    SELECT copied.id, {of_step}
    FROM copied
    JOIN annotation_problem AS copy ON copy.id = copied.problem_id
    JOIN annotation_problem AS problem ON problem.project_id = %(source)s
        AND problem.key = copy.key
        AND problem.solution_key IS NOT DISTINCT FROM copy.solution_key
    JOIN annotation_solution AS solution ON solution.problem_id = problem.id
        AND solution.text_key = copied.text_key AND solution.writer_key = copied.writer_key
        AND NOT solution.built
    JOIN annotation_step AS step ON step.solution_id = solution.id
        AND (step.alternative = 0 OR step.writer = 'model')
    ORDER BY copied.id, step.position, step.alternative
"""


def _written(statement: str, **conditions: str) -> str:
    """Return a statement with the columns that go along written out."""
    names = {
        "problem": _columns(Problem, "project"),
        "solution": _columns(Solution, "project", "problem", "run"),
        "step": _columns(Step, "solution"),
    }
    listed = {f"{table}s": ", ".join(columns) for table, columns in names.items()}
    of = {
        f"of_{table}": ", ".join(f"{table}.{column}" for column in columns)
        for table, columns in names.items()
    }
    return statement.format(**listed, **of, **conditions)


def _columns(model: type[Model], *own: str) -> list[str]:
    """Name the columns that are copied as they are; a column made later is one of them."""
    fields = model._meta.local_concrete_fields
    return [f'"{field.column}"' for field in fields if field.name not in {"id", *own}]
