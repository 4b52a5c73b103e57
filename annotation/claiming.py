"""The statement that takes the best open slot: `leases.claim_next` says when it runs.

It reads forward from where the labeler's last claim had got to (docs/adr/0007-leases.md). The
places are passed as parameters, so that each lane is one range of its index. Both lanes are read
twice: without a lock for the place that must not be passed, and with one to take the slot. What
the labeler had marked when they held the same solution before comes with it.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils import timezone

from annotation.models import Lease, Project
from labelers.models import Labeler

# OFFSET 0 keeps each question a probe of an index for one slot, whatever the planner believes.
_NOT_THEIRS = """
    NOT EXISTS (
        SELECT 1 FROM annotation_annotation AS past
        WHERE past.labeler_id = %(labeler)s AND past.solution_id = slot.solution_id OFFSET 0
    )
    AND NOT EXISTS (
        SELECT 1 FROM annotation_lease AS hold
        WHERE hold.labeler_id = %(labeler)s AND hold.solution_id = slot.solution_id
            AND hold.ended_at IS NULL OFFSET 0
    )
    AND NOT EXISTS (
        SELECT 1 FROM annotation_lease AS skip
        WHERE skip.labeler_id = %(labeler)s AND skip.solution_id = slot.solution_id
            AND skip.returns_at > %(now)s OFFSET 0
    )
"""
# In explore mode every slot has a solution of its own: the problem is what must not come twice.
_NOT_THEIR_PROBLEM = """
    NOT EXISTS (
        SELECT 1 FROM annotation_solution AS wanted
        JOIN annotation_solution AS other ON other.problem_id = wanted.problem_id
        WHERE wanted.id = slot.solution_id AND (
            EXISTS (
                SELECT 1 FROM annotation_annotation AS past
                WHERE past.labeler_id = %(labeler)s AND past.solution_id = other.id
            )
            OR EXISTS (
                SELECT 1 FROM annotation_lease AS hold
                WHERE hold.labeler_id = %(labeler)s AND hold.solution_id = other.id
                    AND (hold.ended_at IS NULL OR hold.returns_at > %(now)s)
            )
        )
        OFFSET 0
    )
"""


def _claim(not_theirs: str) -> str:
    """Return the statement, in which `not_theirs` is what makes a slot new to the labeler."""
    slots = f"""
        SELECT slot.id, slot.priority, slot.reopened, slot.solution_id
        FROM annotation_assignment AS slot
        WHERE slot.project_id = %(project)s AND NOT slot.is_named AND slot.state = 'open'
            AND {not_theirs}
    """  # noqa: S608 - made of this module's own text
    fresh = f"""
        {slots}
            AND slot.reopened IS NULL
            AND (slot.priority * -1.0, slot.id) > (%(rank)s, %(id)s)
        ORDER BY slot.priority * -1.0, slot.id LIMIT 1
    """
    reopened = f"{slots} AND slot.reopened > %(reopened)s ORDER BY slot.reopened LIMIT 1"
    return f"""
        WITH fresh AS ({fresh}),
        reopened AS ({reopened}),
        locked_fresh AS ({fresh} FOR UPDATE SKIP LOCKED),
        locked_reopened AS ({reopened} FOR UPDATE SKIP LOCKED),
        chosen AS (
            SELECT * FROM (TABLE locked_reopened UNION ALL TABLE locked_fresh) AS best
            WHERE %(most)s > (
                SELECT count(*) FROM annotation_lease
                WHERE project_id = %(project)s AND labeler_id = %(labeler)s AND ended_at IS NULL
                    AND corrects_id IS NULL AND (began_at IS NULL) = %(ahead)s
            )
            ORDER BY priority DESC, reopened LIMIT 1
        ),
        taken AS (
            UPDATE annotation_assignment AS slot SET state = 'leased', labeler_id = %(labeler)s
            FROM chosen WHERE slot.id = chosen.id
            RETURNING slot.id, slot.solution_id
        )
        INSERT INTO annotation_lease (
            project_id, labeler_id, solution_id, assignment_id, claimed_at, began_at, until,
            outcome, draft, draft_version, draft_key,
            lane_round, lane_priority, lane_id, lane_reopened
        )
        SELECT
            %(project)s, %(labeler)s, taken.solution_id, taken.id, %(now)s, %(began)s, %(until)s,
            '', coalesce(before.draft, '{{}}'), coalesce(before.draft_version, 0), before.draft_key,
            %(round)s,
            coalesce((SELECT priority FROM fresh), %(priority)s),
            coalesce((SELECT id - (id <> taken.id)::int FROM fresh), %(id)s),
            coalesce((SELECT reopened - (id <> taken.id)::int FROM reopened), %(reopened)s)
        FROM taken
        LEFT JOIN LATERAL (
            SELECT draft, draft_version, draft_key FROM annotation_lease
            WHERE solution_id = taken.solution_id AND labeler_id = %(labeler)s
            ORDER BY id + 0 DESC LIMIT 1
        ) AS before ON true
        RETURNING *
    """  # noqa: S608 - made of this module's own text


_CLAIM_BY_MODE = {
    Project.Mode.REVIEW: _claim(_NOT_THEIRS),
    Project.Mode.EXPLORE: _claim(_NOT_THEIR_PROBLEM),
}
INFINITY = float("inf")


@dataclass(frozen=True, slots=True)
class Place:
    """How far a labeler has read both lanes of a project's queue, in a round of bulk routing."""

    round: int
    priority: float = INFINITY
    id: int = 0
    reopened: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What a claim starts from."""

    gives_out: bool
    place: Place
    has_open: bool
    has_due_skip: bool


_STANDING = """
    SELECT
        project.paused_at IS NULL AND project.archived_at IS NULL,
        project.routing_round,
        last.lane_round, last.lane_priority, last.lane_id, last.lane_reopened,
        EXISTS (
            SELECT 1 FROM annotation_lease
            WHERE project_id = project.id AND labeler_id = labeler.id AND ended_at IS NULL
        ),
        EXISTS (
            SELECT 1 FROM annotation_lease
            WHERE project_id = project.id AND labeler_id = labeler.id AND returns_at <= %s
        )
    FROM labelers_labeler AS labeler
    JOIN annotation_project AS project ON project.id = %s
    LEFT JOIN LATERAL (
        SELECT lane_round, lane_priority, lane_id, lane_reopened
        FROM annotation_lease
        WHERE labeler_id = labeler.id AND project_id = project.id
        ORDER BY id DESC LIMIT 1
    ) AS last ON true
    WHERE labeler.id = %s
    FOR NO KEY UPDATE OF labeler
"""


def lock(labeler: Labeler, project: Project) -> Standing:
    """Let no other claim of `labeler` begin, and say where this one starts.

    Where it had to wait, what it read is from before: too early a place is only read again, and
    the statement that takes a slot counts for itself what the labeler holds.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [timezone.now(), project.pk, labeler.pk])
        gives_out, now_round, last_round, priority, last_id, reopened, *flags = cursor.fetchone()
    place = Place(now_round)
    if last_round == now_round and last_id is not None:
        place = Place(now_round, priority, last_id, reopened)
    return Standing(gives_out, place, *flags)


def take(
    *,
    project: Project,
    labeler_id: int,
    place: Place,
    ahead: bool,
    most: int,
    now: datetime,
    until: datetime,
) -> Lease | None:
    """Lease the best slot after `place`; None when there is none, or `most` are held already."""
    parameters = {
        "project": project.pk,
        "labeler": labeler_id,
        "round": place.round,
        "priority": place.priority,
        "rank": -place.priority,
        "id": place.id,
        "reopened": place.reopened,
        "ahead": ahead,
        "most": most,
        "now": now,
        "began": None if ahead else now,
        "until": until,
    }
    statement = _CLAIM_BY_MODE[Project.Mode(project.mode)]
    lease = next(iter(Lease.objects.raw(statement, parameters)), None)
    if lease is not None:
        lease.project = project
    return lease
