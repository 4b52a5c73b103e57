"""Claiming the best open slot: one call of `annotation_claim` (migration 0004).

It reads forward from where the labeler's last claim had got to, and nothing that claims end or
change (docs/adr/0007-leases.md). What the labeler had marked when they held the same solution
before comes with the slot. `leases.claim_next` says what is done where it gives none.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from annotation.models import Lease, Project
from labelers.models import Labeler

_FIELDS = (
    "id",
    "solution_id",
    "assignment_id",
    "claimed_at",
    "began_at",
    "draft",
    "draft_version",
    "draft_key",
    "open_before",
    "lane_round",
    "lane_priority",
    "lane_id",
    "lane_reopened",
)
_CLAIM = f"SELECT {', '.join(_FIELDS)} FROM annotation_claim(%s, %s, %s, %s, %s, %s)"  # noqa: S608
_STANDING = """
    SELECT
        project.paused_at IS NULL AND project.archived_at IS NULL,
        project.routing_round,
        last.lane_round, last.lane_priority, last.lane_id, last.lane_reopened
    FROM labelers_labeler AS labeler
    JOIN annotation_project AS project ON project.id = %s
    LEFT JOIN LATERAL (
        SELECT lane_round, lane_priority, lane_id, lane_reopened
        FROM annotation_lease
        WHERE labeler_id = labeler.id AND project_id BETWEEN project.id AND project.id
        ORDER BY project_id DESC, id DESC LIMIT 1
    ) AS last ON true
    WHERE labeler.id = %s
"""
_HELD = """
    SELECT hold.id
    FROM (
        SELECT open_before || id AS leases FROM annotation_lease
        WHERE labeler_id = %s AND project_id = %s ORDER BY project_id DESC, id DESC LIMIT 1
    ) AS last
    CROSS JOIN unnest(last.leases) AS mine (lease)
    CROSS JOIN LATERAL (SELECT * FROM annotation_lease WHERE id = mine.lease OFFSET 0) AS hold
    WHERE hold.ended_at IS NULL
"""
INFINITY = float("inf")
REPLAN = 256
"""After so many leases, plans are made anew: those for small tables do not fit grown ones."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a labeler has read both lanes of a project's queue, in a round of bulk routing."""

    round: int
    priority: float = INFINITY
    id: int = 0
    reopened: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What a new lease of a labeler starts from."""

    gives_out: bool
    place: Place


def lock(labeler: Labeler, project: Project) -> Standing:
    """Let no other claim of `labeler` begin, and say where this one starts."""
    with connection.cursor() as cursor:
        # By itself: had it to wait, what the same statement reads would be from before.
        cursor.execute("SELECT FROM labelers_labeler WHERE id = %s FOR NO KEY UPDATE", [labeler.pk])
        cursor.execute(_STANDING, [project.pk, labeler.pk])
        gives_out, now_round, last_round, priority, last_id, reopened = cursor.fetchone()
    place = Place(now_round)
    if last_round == now_round and last_id is not None:
        place = Place(now_round, priority, last_id, reopened)
    return Standing(gives_out, place)


def held(labeler: Labeler, project: Project) -> list[int]:
    """Return the ids of the labeler's open leases: those that their last one knows, and itself.

    An index of open leases would still hold every one that ended since a long transaction began.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [labeler.pk, project.pk])
        return [lease for (lease,) in cursor.fetchall()]


def claim(
    *,
    project: Project,
    labeler: Labeler,
    ahead: bool,
    at_once: int,
    now: datetime,
    until: datetime,
) -> Lease | None:
    """Lease the best slot to `labeler`.

    None when there is none, when they hold `at_once` or have one ahead, when something that they
    skipped is due, and when the project gives out nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [project.pk, labeler.pk, ahead, at_once, now, until])
        row = cursor.fetchone()
        if row is None:
            return None
        fields = dict(zip(_FIELDS, row, strict=True))
        if fields["id"] % REPLAN == 0:
            cursor.execute("DISCARD PLANS")
    fields["draft"] = json.loads(fields["draft"])
    lease = Lease(project=project, labeler=labeler, until=until, **fields)
    lease._state.adding = False
    return lease
