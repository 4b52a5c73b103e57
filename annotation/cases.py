"""Reading what is known of solutions, as `annotation.deciding` judges it, many at a time."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from annotation.digests import digest
from annotation.findings import Case, Finding, Label, Role, confidence
from annotation.models import Assignment, Solution
from annotation.policy import NO_LABELER, BadPolicy, Policy, Wrong
from annotation.unmarked import stopped_labelers
from labelers.models import Labeler


def counts(annotation: str) -> str:
    """Return the condition by which an annotation, named as in SQL, counts."""
    return f"""
        NOT (
            {annotation}.is_surplus OR {annotation}.is_practice
            OR {annotation}.is_quality_control OR {annotation}.is_screening
        )
        AND NOT EXISTS (
            SELECT FROM annotation_annotation AS correction
            WHERE correction.supersedes_id = {annotation}.id
        )
    """


def first_error(annotation: str) -> str:
    """Return the statement that finds the first error of an annotation, whose id is named in SQL.

    -1: all steps of its solution's own are rated and none is wrong; null: it does not say, as when
    somebody gave up or reports the problem. After it its score of that step, and its lowest score.
    """
    # Through the solution's steps: their index gives few rows, whatever the planner knows.
    return f"""
        SELECT
            CASE WHEN max(marked.finish_reason) NOT IN ('give_up', 'bad_problem') THEN
                coalesce(
                    min(step.position) FILTER (WHERE label.rating = -1),
                    CASE WHEN bool_and(label.rating IS NOT NULL) THEN -1 END
                )
            END,
            (array_agg(label.score ORDER BY step.position) FILTER (WHERE label.rating = -1))[1],
            min(label.score)
        FROM annotation_annotation AS marked
        JOIN annotation_step AS step
            ON step.solution_id = marked.solution_id AND step.alternative = 0
        LEFT JOIN annotation_steplabel AS label
            ON label.annotation_id = marked.id AND label.step_id = step.id
        WHERE marked.id = {annotation}
    """  # noqa: S608 - a name of ours


# Of a labeler with two annotations in force, as imports may bring, the newest counts.
_FINDINGS = f"""
SELECT DISTINCT ON (annotation.solution_id, annotation.labeler_id)
    annotation.solution_id, annotation.id, annotation.labeler_id, labeler.kind,
    coalesce(slot.for_reviewers, false), annotation.score, said.at, said.at_error, said.lowest
FROM annotation_annotation AS annotation
JOIN labelers_labeler AS labeler ON labeler.id = annotation.labeler_id
LEFT JOIN annotation_assignment AS slot ON slot.id = annotation.assignment_id
CROSS JOIN LATERAL ({first_error("annotation.id")}) AS said (at, at_error, lowest)
WHERE annotation.solution_id = ANY (%s) AND {counts("annotation")}
    AND (labeler.kind = 'person' OR annotation.labeler_id = ANY (%s))
ORDER BY annotation.solution_id, annotation.labeler_id, annotation.id DESC
"""  # noqa: S608 - conditions of ours
_LABELS = """
SELECT label.annotation_id, step.position, label.rating, label.score
FROM annotation_steplabel AS label
JOIN annotation_step AS step ON step.id = label.step_id AND step.alternative = 0
WHERE label.annotation_id = ANY (%s) AND label.rating IS NOT NULL
"""
_FAILED, _OPEN = Assignment.State.FAILED, Assignment.State.OPEN
# The project with them: a project's own solutions would each be asked for it.
_COLUMNS = ("project", "text_key", "writer_key", "is_correct", "verifier_score", "problem__key")


def labelers_of(policy: Policy) -> dict[int, str]:
    """Return the names in `policy` by the ids of the current model labelers that have them."""
    names = {name for _, name in policy.named()}
    current = Labeler.objects.machines().current().filter(name__in=names)
    return dict(current.values_list("pk", "name"))


def check_labelers(policy: Policy) -> None:
    """Raise BadPolicy where `policy` names a labeler that there is not."""
    known = set(labelers_of(policy).values())
    unknown = {field: name for field, name in policy.named() if name not in known}
    if unknown:
        raise BadPolicy({field: Wrong(NO_LABELER, name) for field, name in unknown.items()})


def cases_of(
    solutions: QuerySet[Solution], names: Mapping[int, str], *, first: Iterable[str] = ()
) -> dict[int, Case]:
    """Return what is known of each solution by its id, in their order.

    `names` are those of the model labelers that matter, by their ids; of those that mark `first`,
    who is not among them is there no more, and not waited for. Left out is what was handed in too
    late for a slot, superseded, or made for practice, screening or quality control.
    """
    rows = list(solutions.select_related("problem").only(*_COLUMNS))
    ids = [solution.pk for solution in rows]
    findings: dict[int, list[Finding]] = defaultdict(list)
    for solution, *row in _rows(_FINDINGS, [ids, list(names)]):
        findings[solution].append(_finding(row, names))
    slots = Assignment.objects.counted().for_people().filter(solution__in=ids)
    people = Counter(slots.values_list("solution", flat=True))
    silent, gone = _silent(rows, names), {*first} - {*names.values()}
    return {
        solution.pk: Case(
            key=digest(str(solution.problem.key), str(solution.text_key), str(solution.writer_key)),
            is_correct=solution.is_correct,
            verifier_score=solution.verifier_score,
            findings=findings[solution.pk],
            silent=frozenset(gone | silent.get(solution.pk, set())),
            people=people[solution.pk],
        )
        for solution in rows
    }


def labels_of(annotations: Iterable[int]) -> dict[int, dict[int, Label]]:
    """Return the rated own steps of each annotation, by its id and their position."""
    labels: dict[int, dict[int, Label]] = defaultdict(dict)
    for annotation, position, rating, score in _rows(_LABELS, [list(annotations)]):
        labels[annotation][position] = Label(rating=rating, score=score)
    return labels


def _silent(rows: Sequence[Solution], names: Mapping[int, str]) -> Mapping[int, set[str]]:
    """Return the model labelers that are not waited for, by the id of the solution."""
    silent: dict[int, set[str]] = defaultdict(set)
    unmarked = Assignment.objects.filter(
        solution__in=rows, labeler__in=names, state__in=[_FAILED, _OPEN]
    )
    slots = list(unmarked.values_list("solution", "labeler", "state"))
    # After them: whoever is asked to go on meanwhile is waited for.
    stopped = stopped_labelers(rows[0].project_id, list(names)) if slots else set()
    for solution, labeler, state in slots:
        if state == _FAILED or labeler in stopped:
            silent[solution].add(names[labeler])
    if not rows:
        return silent
    for labeler in stopped_labelers(rows[0].project_id, list(names), unplanned=True):
        for solution_row in rows:
            silent[solution_row.pk].add(names[labeler])
    return silent


def _finding(row: Sequence[Any], names: Mapping[int, str]) -> Finding:
    pk, labeler, kind, reviewed, score, first_error, at_error, lowest = row
    role: Role = "model" if kind == Labeler.Kind.MODEL else "reviewer" if reviewed else "person"
    return Finding(
        annotation=pk,
        role=role,
        labeler=names.get(labeler, ""),
        first_error=first_error,
        confidence=confidence(first_error, at_error=at_error, lowest=lowest, whole=score),
        score=score,
    )


def _rows(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [*cursor.fetchall()]
