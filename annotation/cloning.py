"""A new project that begins where another one stands, without a single mark."""

from django.db import connection, transaction
from django.db.models import Model

from annotation.models import Membership, Problem, Project, Solution, Step
from web.models import User

MOST_COPIED = 100_000
"""Solutions that are copied while somebody waits; more are better imported again."""

# A setting, unlike these, goes along.
OWN = frozenset({"id", "slug", "name", "created_at", "paused_at", "archived_at", "routing_round"})


class TooMuch(ValueError):
    """The project holds more solutions than can be copied while somebody waits."""


@transaction.atomic
def clone(
    *, project: Project, user: User, slug: str, name: str, with_content: bool = False
) -> Project:
    """Make a project with the settings, guidelines and members of `project`; `user` manages it.

    The engine that draws candidates, which may spend the site's key, goes along with a superuser.

    With content, its problems come too, and the solutions that came whole from a writer with
    their steps: nothing that a labeler marked, built or wrote. Raises TooMuch.
    """
    if with_content and project.solutions.all()[MOST_COPIED : MOST_COPIED + 1].exists():
        raise TooMuch(project.slug)
    settings = {
        field.attname: getattr(project, field.attname)
        for field in Project._meta.concrete_fields
        if field.name not in OWN
    }
    if not user.is_superuser:
        del settings["drawing"]
    made = Project.objects.create(slug=slug, name=name, **settings)
    members = Membership.objects.active().filter(project=project).exclude(user=user)
    Membership.objects.bulk_create(
        Membership(project=made, user_id=member.user_id, role=member.role) for member in members
    )
    Membership.objects.create(project=made, user=user, role=Membership.Role.MANAGER)
    if with_content:
        _copy_content(project, made)
    return made


def _copy_content(source: Project, target: Project) -> None:
    """Copy rows within the database; a copy is found again by what makes its row distinct."""
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
    with connection.cursor() as cursor:
        for statement in (COPY_PROBLEMS, COPY_SOLUTIONS, COPY_STEPS):
            rows = statement.format(**listed, **of, copied_problems=COPIED_PROBLEMS)
            cursor.execute(rows, {"source": source.pk, "target": target.pk})


COPIED_PROBLEMS = """
    annotation_problem AS problem
    JOIN annotation_problem AS copy ON problem.project_id = %(source)s
        AND copy.project_id = %(target)s AND copy.key = problem.key
        AND copy.solution_key IS NOT DISTINCT FROM problem.solution_key
    JOIN annotation_solution AS solution
        ON solution.problem_id = problem.id AND NOT solution.built
"""
COPY_PROBLEMS = """
    INSERT INTO annotation_problem (project_id, {problems})
    SELECT %(target)s, {of_problem} FROM annotation_problem AS problem
    WHERE problem.project_id = %(source)s ORDER BY problem.id
"""
COPY_SOLUTIONS = """
    INSERT INTO annotation_solution (project_id, problem_id, {solutions})
    SELECT copy.project_id, copy.id, {of_solution} FROM {copied_problems} ORDER BY solution.id
"""
COPY_STEPS = """
    INSERT INTO annotation_step (solution_id, {steps})
    SELECT copied.id, {of_step} FROM {copied_problems}
    JOIN annotation_solution AS copied ON copied.problem_id = copy.id
        AND copied.text_key = solution.text_key AND copied.writer_key = solution.writer_key
    JOIN annotation_step AS step ON step.solution_id = solution.id
        AND (step.alternative = 0 OR step.writer = 'model')
    ORDER BY copied.id, step.position, step.alternative
"""


def _columns(model: type[Model], *own: str) -> list[str]:
    """Name the columns that are copied as they are; a column made later is one of them."""
    fields = model._meta.local_concrete_fields
    return [f'"{field.column}"' for field in fields if field.name not in {"id", *own}]
