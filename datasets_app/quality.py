"""How well labelers find the first mistake that others agree on."""

from collections.abc import Iterator
from math import sqrt
from typing import Any

from django.db import connection

from annotation.cases import first_error
from annotation.models import Project

Z = 1.959964
"""Of a 95% interval."""

# What a labeler said of solutions on which others decided too: first error against first error.
_QUALITY = """
WITH verdict AS (
    SELECT verdict.solution_id,
        array_agg(DISTINCT one.annotation) AS annotations,
        coalesce(min(step.position) FILTER (WHERE verdict.rating = -1), -1) AS first_error
    FROM annotation_verdict AS verdict
    CROSS JOIN LATERAL unnest(verdict.annotations) AS one (annotation)
    JOIN annotation_step AS step ON step.id = verdict.step_id
    JOIN annotation_solution AS solution ON solution.id = verdict.solution_id
    WHERE solution.project_id = %(project)s
    GROUP BY verdict.solution_id
),
said AS (
    SELECT annotation.labeler_id, verdict.first_error AS agreed, found.at AS first_error
    FROM verdict
    JOIN annotation_annotation AS annotation ON annotation.solution_id = verdict.solution_id
    CROSS JOIN LATERAL ({first_error}) AS found (at, score, lowest)
    WHERE verdict.annotations <> ARRAY[annotation.id]
        AND found.at IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM annotation_annotation AS newer WHERE newer.supersedes_id = annotation.id
        )
)
SELECT labeler.id, labeler.uuid,
    CASE WHEN labeler.kind = 'model' THEN labeler.name ELSE '' END, count(*),
    count(*) FILTER (WHERE agreed = first_error)
FROM said JOIN labelers_labeler AS labeler ON labeler.id = said.labeler_id
GROUP BY labeler.id ORDER BY labeler.uuid
"""


def below(project: Project, minimum: float) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the labelers whose quality is below `minimum`, with what is known of it.

    People are known by their UUID alone: versions are published.
    """
    with connection.cursor() as cursor:
        statement = _QUALITY.format(first_error=first_error("annotation.id"))
        cursor.execute(statement, {"project": project.pk})
        known = cursor.fetchall()
    for labeler, uuid, name, total, agreed in known:
        bound = wilson_lower(agreed, total)
        if bound < minimum:
            yield labeler, {
                "labeler": str(uuid), "name": name, "solutions": total, "agreed": agreed,
                "lower_bound": round(bound, 4),
            }  # fmt: skip


def wilson_lower(passed: int, total: int) -> float:
    """Return the lower bound of the 95% interval of a share (Wilson; prm_spec G)."""
    if not total:
        return 0.0
    share, z2 = passed / total, Z * Z
    middle = share + z2 / (2 * total)
    spread = Z * sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    return (middle - spread) / (1 + z2 / total)
