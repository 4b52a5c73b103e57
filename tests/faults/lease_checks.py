"""What must be true of leases, slots and annotations whatever happened: asked of the tables."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from django.db import connection

from annotation.models import Annotation
from tests.faults.lease_fire import STEPS

# Each names rows that must not be there.
_NEVER = {
    "a slot in two hands": """
        SELECT assignment_id FROM annotation_lease
        WHERE ended_at IS NULL AND corrects_id IS NULL
        GROUP BY assignment_id HAVING count(*) > 1
    """,
    "a slot held at one time by two labelers": """
        SELECT a.id, b.id FROM annotation_lease AS a
        JOIN annotation_lease AS b ON b.assignment_id = a.assignment_id AND b.id > a.id
        WHERE a.corrects_id IS NULL AND b.corrects_id IS NULL
            AND b.claimed_at < a.ended_at AND a.claimed_at < b.ended_at
    """,
    "a labeler with two slots of a solution": """
        SELECT solution_id, labeler_id FROM annotation_assignment
        WHERE labeler_id IS NOT NULL
        GROUP BY solution_id, labeler_id HAVING count(*) > 1
    """,
    "a labeler counted twice toward an overlap": """
        SELECT solution_id, labeler_id FROM annotation_annotation
        WHERE NOT is_surplus AND supersedes_id IS NULL
        GROUP BY solution_id, labeler_id HAVING count(*) > 1
    """,
    "a solution above its overlap": """
        SELECT slot.solution_id FROM annotation_assignment AS slot
        JOIN annotation_project AS project ON project.id = slot.project_id
        WHERE slot.state <> 'withdrawn'
        GROUP BY slot.solution_id, project.overlap HAVING count(*) <> project.overlap
    """,
    "a solution with more marks than its overlap": """
        SELECT annotation.solution_id FROM annotation_annotation AS annotation
        JOIN annotation_project AS project ON project.id = annotation.project_id
        WHERE NOT annotation.is_surplus AND annotation.supersedes_id IS NULL
        GROUP BY annotation.solution_id, project.overlap HAVING count(*) > project.overlap
    """,
    "an open lease without a live slot": """
        SELECT lease.id, corrects.id, slot.state FROM annotation_lease AS lease
        JOIN annotation_assignment AS slot ON slot.id = lease.assignment_id
        LEFT JOIN annotation_annotation AS corrects ON corrects.id = lease.corrects_id
        -- A correction of surplus work has no slot, as that has none.
        WHERE lease.ended_at IS NULL AND corrects.is_surplus IS NOT TRUE AND (
            slot.labeler_id IS DISTINCT FROM lease.labeler_id
            OR slot.state <> CASE WHEN lease.corrects_id IS NULL THEN 'leased' ELSE 'submitted' END
        )
    """,
    "a leased slot without an open lease": """
        SELECT id FROM annotation_assignment AS slot
        WHERE slot.state = 'leased' AND NOT EXISTS (
            SELECT 1 FROM annotation_lease
            WHERE assignment_id = slot.id AND ended_at IS NULL AND corrects_id IS NULL
        )
    """,
    "an open slot that somebody has": """
        SELECT id FROM annotation_assignment WHERE state = 'open' AND labeler_id IS NOT NULL
    """,
    "a submitted slot without its one annotation": """
        SELECT slot.id FROM annotation_assignment AS slot
        LEFT JOIN annotation_annotation AS first ON first.assignment_id = slot.id
            AND first.supersedes_id IS NULL AND first.labeler_id = slot.labeler_id
        WHERE (slot.state = 'submitted') <> (first.id IS NOT NULL)
    """,
    "a lease that ended without saying how": """
        SELECT id FROM annotation_lease WHERE (ended_at IS NULL) <> (outcome = '')
    """,
    "a submitted lease without its annotation": """
        SELECT lease.id FROM annotation_lease AS lease
        LEFT JOIN annotation_annotation AS annotation ON annotation.lease_id = lease.id
        WHERE lease.outcome = 'submitted' AND annotation.id IS NULL
    """,
    "marks lost or doubled": f"""
        SELECT annotation.id FROM annotation_annotation AS annotation
        LEFT JOIN annotation_steplabel AS label ON label.annotation_id = annotation.id
        GROUP BY annotation.id HAVING count(label.id) <> {STEPS}
    """,
    "work counted in its slot and as surplus too": """
        SELECT surplus.id FROM annotation_annotation AS surplus
        JOIN annotation_lease AS lease ON lease.id = surplus.lease_id
        JOIN annotation_annotation AS kept ON kept.assignment_id = lease.assignment_id
            AND kept.labeler_id = surplus.labeler_id
        WHERE surplus.is_surplus
    """,
}


def violations(folder: Path) -> list[str]:
    """Return what is not as it must be; `folder` has what the processes were told."""
    return [*_rows_that_must_not_be(), *_told_otherwise(folder)]


def _rows_that_must_not_be() -> list[str]:
    found = []
    for what, statement in _NEVER.items():
        with connection.cursor() as cursor:
            cursor.execute(statement)
            rows = cursor.fetchall()
        if rows:
            found.append(f"{what}: {len(rows)}, such as {rows[:5]}")
    return found


def _told_otherwise(folder: Path) -> list[str]:
    """Compare what was acknowledged with what is there."""
    kept = dict(Annotation.objects.values_list("pk", "lease__assignment"))
    found, made, tried = [], defaultdict(set), set[int]()
    for words in _said(folder):
        match words:
            case ["trying", lease]:
                tried.add(lease)
            case ["refused", _]:
                pass
            case ["done", lease, annotation, is_new]:
                if annotation not in kept:
                    found.append(f"annotation {annotation} of lease {lease} is lost")
                if is_new:
                    made[annotation].add(lease)
            case _:
                found.append(" ".join(map(str, words)))
    found += [f"annotation {pk} was new twice" for pk, leases in made.items() if len(leases) > 1]
    if len(kept) > len(tried):
        found.append(f"{len(kept)} annotations of {len(tried)} submitted leases")
    return found


def _said(folder: Path) -> list[Any]:
    return [
        json.loads(line)
        for path in sorted(folder.glob("said-*.jsonl"))
        for line in path.read_bytes().splitlines()
    ]
