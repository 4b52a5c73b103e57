"""Which solutions and marks a version of a dataset holds, and in which order.

All of it is decided within one snapshot of the database, in two temporary tables: first the
problems, each with its split, then the solutions. The order, like every id, is made of what the
rows say: the same on another machine.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from annotation.cases import counts, first_error
from annotation.deciding import BY_REVIEWER
from annotation.digests import digest
from annotation.models import Problem, Project
from datasets_app.reading import SOLUTION_ID
from datasets_app.rules import BAD_PROBLEM, TRAIN, WITHOUT_ANNOTATIONS, Rules, split_named
from datasets_app.selected_marks import annotations, generations
from datasets_app.spelling import HeldOutTexts, normalised

AT_ONCE = 2_000


@dataclass(slots=True, kw_only=True)
class Chosen:
    """What a selection left out, and why."""

    problems: int = 0
    """That the project has, by the rules for problems."""
    duplicates: int = 0
    """Problems that differ from another one in spelling alone."""
    held_out: Counter[str] = field(default_factory=Counter)
    """Left out, by name of the held-out set."""
    held_out_problems: list[dict[str, Any]] = field(default_factory=list)
    """Id in its source, or a digest of its text; held-out set and reason."""
    reported: int = 0
    """Problems that a person reported as bad, where annotations are not what counts."""
    torn: int = 0
    """Problems whose duplicates have different splits of their own."""
    solutions: int = 0
    """With their marks: a solution that three labelers marked may count three times."""
    labelers_left_out: list[dict[str, Any]] = field(default_factory=list)
    """Name, and the lower bound of their quality."""


def choose(project: Project, rules: Rules, held_out: HeldOutTexts) -> Chosen:
    """Make the temporary table `freeze_chosen`, for `reading.read`.

    Needs a transaction of its own that sees one snapshot. Raises BadRules for a labeler that there
    is not.
    """
    chosen = Chosen()
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE freeze_problem "
            "(problem_id bigint PRIMARY KEY, key uuid NOT NULL, split text NOT NULL) ON COMMIT DROP"
        )
        for batch in _problems(_of_rules(project, rules), rules, held_out, chosen):
            with cursor.copy("COPY freeze_problem FROM STDIN") as copy:
                for row in batch:
                    copy.write_row(row)
        cursor.execute("ANALYZE freeze_problem")
        if rules.marks in WITHOUT_ANNOTATIONS and BAD_PROBLEM not in rules.finish_reasons:
            chosen.reported = _drop_reported(cursor, project)
        if rules.splits.by == "problem":
            chosen.torn = _mend_torn(cursor)
        counted, parameters = _counted(project, rules, chosen)
        cursor.execute(
            _CHOSEN.format(
                counted=counted,
                solution_id=SOLUTION_ID,
                first_error=first_error("identified.annotation_id"),
            ),
            {
                **parameters,
                "max_per_problem": rules.max_per_problem,
                "seed": str(rules.splits.seed),
                "minimum_agreement": rules.minimum_agreement,
                "is_right": {"any": None, "right": True, "wrong": False}[rules.correctness],
            },
        )
        chosen.solutions = cursor.rowcount
    return chosen


def _of_rules(project: Project, rules: Rules) -> QuerySet[Problem]:
    problems = project.problems.all()
    for name in ("source", "subject", "level"):
        wanted = getattr(rules, f"{name}s")
        if wanted:
            problems = problems.filter(**{f"{name}__in": wanted})
    return problems


def _problems(
    problems: QuerySet[Problem], rules: Rules, held_out: HeldOutTexts, chosen: Chosen
) -> Iterator[list[tuple[int, UUID, str]]]:
    """Yield id, key and split of the problems that are in, in batches."""
    rows, seen = problems.values_list("id", "text", "split", "external_id"), set[UUID]()
    by_hash = rules.splits.by == "hash"
    for batch in _batches(rows):
        kept = []
        for problem_id, text, split, external_id in batch:
            chosen.problems += 1
            found = held_out.found_in(text)
            if found is not None:
                _note_held_out(chosen, external_id or str(digest(text)), *found)
                continue
            key = digest(normalised(text))
            chosen.duplicates += key in seen
            seen.add(key)
            split = rules.splits.split_of(str(key)) if by_hash else split_named(split)
            kept.append((problem_id, key, split))
        yield kept


def _batches(rows: QuerySet[Any, Any]) -> Iterator[list[Any]]:
    """Yield rows that begin with an id, in its order."""
    after = 0
    while batch := list(rows.filter(id__gt=after).order_by("id")[:AT_ONCE]):
        yield batch
        after = batch[-1][0]


def _note_held_out(chosen: Chosen, problem: str, name: str, why: str) -> None:
    chosen.held_out[name] += 1
    chosen.held_out_problems.append({"problem": problem, "held_out": name, "why": why})


# A report is of the problem, so that no solution of it is fit; nor is another spelling of it.
_REPORTED = f"""
DELETE FROM freeze_problem WHERE key IN (
    SELECT seen.key
    FROM annotation_annotation AS report
    JOIN labelers_labeler AS labeler ON labeler.id = report.labeler_id AND labeler.kind = 'person'
    JOIN annotation_solution AS solution ON solution.id = report.solution_id
    JOIN freeze_problem AS seen ON seen.problem_id = solution.problem_id
    WHERE report.project_id = %s AND report.finish_reason = %s AND {counts("report")}
        AND NOT EXISTS (
            SELECT FROM annotation_verdict AS overruling
            WHERE overruling.solution_id = solution.id AND overruling.rule = %s
        )
)
"""  # noqa: S608 - a condition of ours


def _drop_reported(cursor: Any, project: Project) -> int:
    """Leave out what people report as bad problems, unless a reviewer marked that solution."""
    cursor.execute(_REPORTED, [project.pk, BAD_PROBLEM, BY_REVIEWER])
    return int(cursor.rowcount)


def _mend_torn(cursor: Any) -> int:
    """Give all spellings of a problem one split, rather one that is not for training."""
    cursor.execute(
        "WITH torn AS ("
        '  SELECT key, coalesce(min(split COLLATE "C") FILTER (WHERE split <> %s), %s) AS split'
        "  FROM freeze_problem GROUP BY key HAVING count(DISTINCT split) > 1"
        ") UPDATE freeze_problem AS problem SET split = torn.split FROM torn"
        " WHERE torn.key = problem.key AND problem.split <> torn.split",
        [TRAIN, TRAIN],
    )
    return int(cursor.rowcount)


# The place of a solution among those of its problem is that of its id, which is a digest; what
# several labelers said of it follows in the order of their public names and times.
_CHOSEN = """
CREATE TEMPORARY TABLE freeze_chosen ON COMMIT DROP AS
WITH counted AS ({counted}),
identified AS (
    SELECT
        counted.solution_id, counted.annotation_id, counted.by_verdict, chosen.split,
        chosen.key AS problem_key, {solution_id} AS id,
        labeler.uuid AS labeler, annotation.submitted_at AS at
    FROM counted
    JOIN annotation_solution AS solution ON solution.id = counted.solution_id
    JOIN annotation_problem AS problem ON problem.id = solution.problem_id
    JOIN freeze_problem AS chosen ON chosen.problem_id = problem.id
    LEFT JOIN annotation_annotation AS annotation ON annotation.id = counted.annotation_id
    LEFT JOIN labelers_labeler AS labeler ON labeler.id = annotation.labeler_id
    WHERE %(is_right)s::boolean IS NULL OR solution.is_correct = %(is_right)s::boolean
),
found AS (
    SELECT identified.*, CASE WHEN solution_id IN (
        SELECT solution_id FROM identified GROUP BY solution_id HAVING count(DISTINCT labeler) > 1
    ) THEN (SELECT at FROM ({first_error}) AS said (at, score, lowest)) END AS first_error
    FROM identified
),
known AS (
    -- Who says nothing of the first error agrees with nobody.
    SELECT solution_id FROM found WHERE first_error IS NOT NULL
    GROUP BY solution_id HAVING count(DISTINCT labeler) > 1
),
agreeing AS (
    SELECT found.*, CASE
        WHEN first_error IS NOT NULL AND solution_id IN (SELECT solution_id FROM known) THEN
            count(*) OVER (PARTITION BY solution_id, first_error)::float8
                / count(first_error) OVER (PARTITION BY solution_id)
    END AS agreement
    FROM found
),
ranked AS (
    SELECT agreeing.*, dense_rank() OVER (
        PARTITION BY problem_key ORDER BY md5(%(seed)s || id::text), id
    ) AS rank
    FROM agreeing
    WHERE %(minimum_agreement)s::float8 IS NULL OR agreement >= %(minimum_agreement)s::float8
)
SELECT
    row_number() OVER (ORDER BY split COLLATE "C", problem_key, id, labeler, at, annotation_id)
        AS place,
    solution_id, annotation_id, by_verdict, split, problem_key,
    1.0::float8 / count(*) OVER (PARTITION BY id) AS weight, agreement
FROM ranked
WHERE %(max_per_problem)s::bigint IS NULL OR rank <= %(max_per_problem)s::bigint
"""
CHOSEN = "SELECT * FROM freeze_chosen"

_VERDICTS = """
    SELECT DISTINCT verdict.solution_id, NULL::bigint AS annotation_id, true AS by_verdict
    FROM annotation_verdict AS verdict
    JOIN annotation_solution AS solution ON solution.id = verdict.solution_id
    WHERE solution.project_id = %(project)s AND NOT solution.built AND {is_plain}
"""
_OUTCOMES = """
    SELECT id AS solution_id, NULL::bigint AS annotation_id, false AS by_verdict
    FROM annotation_solution AS solution
    WHERE project_id = %(project)s AND is_correct IS NOT NULL AND NOT built AND {is_plain}
"""
_ANNOTATIONS = """
    SELECT solution_id, id AS annotation_id, false AS by_verdict FROM ({chosen}) AS chosen
"""
_IS_PLAIN = """NOT EXISTS (
    SELECT FROM annotation_annotation AS flagged
    WHERE flagged.solution_id = solution.id AND (
        flagged.is_quality_control AND NOT %(quality_control)s
        OR flagged.is_screening AND NOT %(screening)s
    )
)"""


def _counted(project: Project, rules: Rules, chosen: Chosen) -> tuple[str, dict[str, Any]]:
    """Return the query for the solutions and annotations that count, and its parameters."""
    whole = {"verdicts": _VERDICTS, "outcomes": _OUTCOMES}.get(rules.marks)
    if whole is not None:
        return _with_generations(whole.format(is_plain=_IS_PLAIN), rules), {
            "project": project.pk,
            "quality_control": rules.quality_control,
            "screening": rules.screening,
            **generations(rules),
        }
    found, chosen.labelers_left_out = annotations(project, rules)
    ids, parameters = found.values("id", "solution_id").query.sql_with_params()
    named = {f"p{number}": one for number, one in enumerate(parameters)}
    statement = ids % tuple(f"%({name})s" for name in named)
    return _ANNOTATIONS.format(chosen=statement), named


def _with_generations(statement: str, rules: Rules) -> str:
    if rules.generations is None:
        return statement
    return (
        f"SELECT * FROM ({statement}) AS every WHERE solution_id IN ("  # noqa: S608 - from above
        " SELECT id FROM annotation_solution"
        " WHERE generation = ANY(%(generations)s) OR (generation IS NULL AND %(with_none)s))"
    )
