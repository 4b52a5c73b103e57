"""Which solutions were asked for: read in the order of their ids from the index that fits best.

Each way of narrowing has an index that lists a project's solutions in this order, so that a page
costs what it shows, wherever it is. What else was asked for, and a Great, which most solutions
with marks contain, is checked row by row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.lookups import IsNull
from django.utils.translation import gettext_lazy as _

from annotation.building import not_begun
from annotation.models import (
    Annotation,
    Position,
    Project,
    Solution,
    SolutionTrait,
    Step,
    StepLabel,
)
from annotation.models.content import SolutionQuerySet
from annotation.models.marks import AnnotationQuerySet
from labelers.models import Labeler
from web.models import User

ANSWERS = {"right": True, "wrong": False, "unknown": None}
KINDS = SolutionTrait.Kind
GREAT = "great"
"""So many solutions contain one that reading on until a page is full is quick: no trait says so."""
HOLDS: dict[str, Q] = {
    GREAT: Q(rating=1),
    KINDS.BAD: Q(rating=-1),
    KINDS.OKAY: Q(rating=0),
    KINDS.FLAGGED: Q(flagged=True),
}
MARKS = [(GREAT, _("a Great")), *((kind.value, kind.label) for kind in KINDS if kind in HOLDS)]
"""What an annotation may contain, and what it is called in a form."""
MOST_KNOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Rows that stand for solutions, each solution once or several times, to be read by id."""

    rows: QuerySet[Any]
    solution: str
    """The field of a row that is its solution's id."""
    constant: str = ""
    """A field that is null in every row, and stands before the id in the index that fits."""
    newest_first: bool = False

    def ids(self, place: int | None, *, backwards: bool = False, limit: int = 1) -> list[int]:
        """Return the ids of up to `limit` solutions beyond `place`, the nearest first."""
        return list(self.query(place, backwards=backwards, limit=limit))

    def query(
        self, place: int | None, *, backwards: bool = False, limit: int = 1
    ) -> QuerySet[Any, int]:
        descending = self.newest_first != backwards
        rows = self.rows
        if place is not None:
            rows = rows.filter(**{f"{self.solution}__{'lt' if descending else 'gt'}": place})
        # Asked to be null, a field is no constant to PostgreSQL: it has to be in the order too.
        order = [field for field in (self.constant, self.solution) if field]
        ids = rows.order_by(*(f"-{field}" if descending else field for field in order))
        ids = ids.values_list(self.solution, flat=True)
        # One row stands for a solution where the solution itself is read.
        return (ids if self.solution == "pk" else ids.distinct())[:limit]


def walk(asked: Mapping[str, Any], project: Project, user: User) -> Walk:
    """Return the solutions of `project` that `user` asked for, of those open to them.

    `asked` is what a SolutionFilter cleaned. Marks, labelers and finish reasons are asked of the
    annotations in force that `user` may read.
    """
    newest_first = asked.get("order") == "newest"
    explores = project.mode == Project.Mode.EXPLORE
    rows = _of_marks(asked, project, user)
    steps = steps_open_to(user, project) if asked.get("text") else Step.objects.none()
    if rows is None:
        solutions = solutions_open_to(user, project).filter(_of_solution(asked, ""))
        if explores:
            solutions = solutions.exclude(not_begun())
        if asked.get("mark") == GREAT:
            of_it = marks_open_to(user, project).filter(solution=OuterRef("pk"))
            solutions = solutions.filter(Exists(of_it.filter(marked(GREAT, "pk"))))
        said = _saying(solutions, asked, steps, "pk", "problem__")
        constant = "is_correct" if asked.get("answer") == "unknown" else ""
        return Walk(rows=said, solution="pk", constant=constant, newest_first=newest_first)
    rows = rows.filter(_of_solution(asked, "solution__"))
    if explores:
        rows = rows.exclude(not_begun("solution__"))
    said = _saying(rows, asked, steps, "solution_id", "solution__problem__")
    return Walk(rows=said, solution="solution_id", newest_first=newest_first)


def marks_open_to(user: User, project: Project) -> AnnotationQuerySet:
    """Return the annotations of `project` in force that `user` may read.

    Late work of one's own on what another labeler built is none of them: it would show what they
    marked.
    """
    annotations = Annotation.objects.in_force().filter(project=project)
    # Asked first and apart: as one condition with "or" it would fit no index.
    if Project.objects.marks_visible_to(user).contains(project):
        return annotations
    own = Labeler.objects.filter(user=user).values_list("pk", flat=True).first()
    visible = Project.objects.visible_to(user).contains(project)
    if not own or not visible:
        return annotations.none()
    return annotations.filter(Q(is_surplus=False) | Q(solution__built=False), labeler=own)


def solutions_open_to(user: User, project: Project) -> SolutionQuerySet:
    """Return the solutions of `project` that `user` may read.

    What a labeler has built step by step shows what they marked: other labelers do not see it.
    """
    solutions = Solution.objects.visible_to(user).filter(project=project)
    if Project.objects.marks_visible_to(user).contains(project):
        return solutions
    own = marks_open_to(user, project).filter(solution=OuterRef("pk"))
    return solutions.filter(Q(built=False) | Exists(own))


def steps_open_to(user: User, project: Project | None = None) -> QuerySet[Step]:
    """Return the steps whose words `user` may search, in `project` or in all that they see.

    Who does not read everybody's marks searches what models wrote, and what they wrote themselves.
    """
    # Asked first and apart where it can be: every step that is searched would ask it again.
    if project and Project.objects.marks_visible_to(user).contains(project):
        return Step.objects.filter(solution__project=project)
    everybodys = Q(solution__project__in=Project.objects.marks_visible_to(user))
    own = Position.objects.filter(human_step=OuterRef("pk"), annotation__labeler__user=user)
    return Step.objects.filter(everybodys | Q(writer=Step.Writer.MODEL) | Exists(own))


def marked(kind: str, annotation: str) -> Exists:
    """Return whether the annotation of an outer row, its field `annotation`, has such a mark."""
    return Exists(StepLabel.objects.filter(HOLDS[kind], annotation=OuterRef(annotation)))


def known_models(project: Project) -> list[str]:
    """Return which models wrote solutions of `project`, in order, up to 200."""
    return _known("annotation_solution", "model", project)


def known_labelers(project: Project) -> list[Labeler]:
    """Return who has marked solutions of `project`, by name, up to 200."""
    ids = _known("annotation_annotation", "labeler_id", project)
    return list(Labeler.objects.filter(pk__in=ids).order_by("name", "pk"))


def _of_marks(asked: Mapping[str, Any], project: Project, user: User) -> QuerySet[Any] | None:
    """Return the rows of what was asked of marks; None where nothing was."""
    mark, of_annotation = asked.get("mark"), _of_annotation(asked)
    if mark == KINDS.UNMARKED:
        return _unmarked(project)
    if mark == GREAT and of_annotation:
        return marks_open_to(user, project).filter(of_annotation).filter(marked(GREAT, "pk"))
    if mark and mark != GREAT:
        annotations = marks_open_to(user, project).filter(of_annotation)
        return _marked(KINDS(mark), project, annotations)
    return marks_open_to(user, project).filter(of_annotation) if of_annotation else None


def _of_annotation(asked: Mapping[str, Any]) -> Q:
    """Return what was asked of annotations; a false Q where nothing was."""
    conditions = Q()
    if asked.get("labeler"):
        conditions &= Q(labeler=asked["labeler"])
    if asked.get("reason"):
        conditions &= Q(finish_reason=asked["reason"])
    if asked.get("bad_split"):
        conditions &= ~Q(bad_splits=[])
    return conditions


def _unmarked(project: Project) -> QuerySet[SolutionTrait]:
    of_it = Annotation.objects.filter(solution=OuterRef("solution_id")).values("pk")[:1]
    traits = SolutionTrait.objects.filter(project=project, kind=KINDS.UNMARKED)
    # Not as NOT EXISTS, which PostgreSQL joins: it would read all annotations of the project.
    return traits.filter(IsNull(Subquery(of_it), True))


def _marked(
    kind: SolutionTrait.Kind, project: Project, annotations: AnnotationQuerySet
) -> QuerySet[SolutionTrait]:
    traits = SolutionTrait.objects.filter(project=project, kind=kind)
    return traits.filter(
        marked(kind, "annotation_id"), Exists(annotations.filter(pk=OuterRef("annotation_id")))
    )


def _of_solution(asked: Mapping[str, Any], path: str) -> Q:
    conditions = Q()
    if asked.get("model"):
        conditions &= Q(**{f"{path}model": asked["model"]})
    if asked.get("answer"):
        conditions &= Q(**{f"{path}is_correct": ANSWERS[asked["answer"]]})
    return conditions


def _saying(
    rows: QuerySet[Any],
    asked: Mapping[str, Any],
    steps: QuerySet[Step],
    solution: str,
    problem: str,
) -> QuerySet[Any]:
    """Narrow `rows` to solutions whose problem, or one of `steps`, has the words asked for."""
    if not asked.get("text"):
        return rows
    saying = steps.filter(solution=OuterRef(solution), text__icontains=asked["text"])
    return rows.filter(Q(**{f"{problem}text__icontains": asked["text"]}) | Exists(saying))


def _known(table: str, column: str, project: Project) -> list[Any]:
    """Return the distinct values of a column in a project, by one look into its index for each."""
    statement = f"""
        WITH RECURSIVE known AS (
            (SELECT {column} AS value FROM {table} WHERE project_id = %(project)s
             ORDER BY {column} LIMIT 1)
            UNION ALL
            SELECT (SELECT {column} FROM {table}
                    WHERE project_id = %(project)s AND {column} > known.value
                    ORDER BY {column} LIMIT 1)
            FROM known WHERE known.value IS NOT NULL
        )
        SELECT value FROM known WHERE value IS NOT NULL LIMIT %(most)s
    """  # noqa: S608 - names of ours
    with connection.cursor() as cursor:
        cursor.execute(statement, {"project": project.pk, "most": MOST_KNOWN})
        return [value for (value,) in cursor.fetchall()]
