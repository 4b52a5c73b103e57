"""Claims in one statement, which read nothing that ends: what is held is written on each lease."""

from typing import ClassVar

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

OPEN_NOW = """
UPDATE annotation_lease AS last SET open_before = ARRAY(
    SELECT id FROM annotation_lease AS lease
    WHERE lease.labeler_id = last.labeler_id AND lease.project_id = last.project_id
        AND lease.id < last.id AND lease.ended_at IS NULL
)
WHERE NOT EXISTS (
    SELECT FROM annotation_lease AS newer
    WHERE newer.labeler_id = last.labeler_id AND newer.project_id = last.project_id
        AND newer.id > last.id
);
"""

# OFFSET 0 keeps each question a probe of an index for one slot, whatever the planner believes.
NOT_THEIRS = """
    NOT EXISTS (
        SELECT FROM annotation_annotation AS past
        WHERE past.labeler_id = claimer AND past.solution_id = slot.solution_id OFFSET 0
    )
    AND NOT EXISTS (
        SELECT FROM annotation_lease AS hold
        WHERE hold.labeler_id + 0 = claimer AND hold.solution_id = slot.solution_id
            AND (hold.ended_at IS NULL OR hold.returns_at > at_time) OFFSET 0
    )
"""
# In explore mode every slot has a solution of its own: the problem is what must not come twice.
NOT_THEIR_PROBLEM = """
    NOT EXISTS (
        SELECT FROM annotation_solution AS wanted
        JOIN annotation_solution AS other ON other.problem_id = wanted.problem_id
        WHERE wanted.id = slot.solution_id AND (
            EXISTS (
                SELECT FROM annotation_annotation AS past
                WHERE past.labeler_id = claimer AND past.solution_id = other.id
            )
            OR EXISTS (
                SELECT FROM annotation_lease AS hold
                WHERE hold.labeler_id + 0 = claimer AND hold.solution_id = other.id
                    AND (hold.ended_at IS NULL OR hold.returns_at > at_time)
            )
        )
        OFFSET 0
    )
"""


def take(not_theirs: str) -> str:
    """Return the statement that leases the best slot; `not_theirs` makes one new to its labeler.

    Both lanes are read twice: without a lock for the place that must not be passed, and with one.
    """
    slots = f"""
            SELECT slot.id, slot.priority, slot.reopened, slot.solution_id
            FROM annotation_assignment AS slot
            WHERE slot.project_id = in_project AND NOT slot.is_named AND slot.state = 'open'
                AND {not_theirs}
    """
    fresh = f"""
            {slots}
                AND slot.reopened IS NULL
                AND (slot.priority * -1.0, slot.id) > (-last.lane_priority, last.lane_id)
            ORDER BY slot.priority * -1.0, slot.id LIMIT 1
    """
    reopened = f"{slots} AND slot.reopened > last.lane_reopened ORDER BY slot.reopened LIMIT 1"
    return f"""
        WITH fresh AS ({fresh}),
        reopened AS ({reopened}),
        locked_fresh AS ({fresh} FOR UPDATE SKIP LOCKED),
        locked_reopened AS ({reopened} FOR UPDATE SKIP LOCKED),
        chosen AS (
            SELECT * FROM (TABLE locked_reopened UNION ALL TABLE locked_fresh) AS best
            ORDER BY best.priority DESC, best.reopened LIMIT 1
        ),
        taken AS (
            UPDATE annotation_assignment AS slot SET state = 'leased', labeler_id = claimer
            FROM chosen WHERE slot.id = chosen.id
            -- Not the caller's time: the slot's last hold may have ended after that.
            RETURNING slot.id, slot.solution_id, clock_timestamp() AS at
        )
        INSERT INTO annotation_lease (
            project_id, labeler_id, solution_id, assignment_id, claimed_at, began_at, until,
            outcome, draft, draft_version, draft_key, open_before,
            lane_round, lane_priority, lane_id, lane_reopened
        )
        SELECT
            in_project, claimer, taken.solution_id, taken.id, taken.at,
            CASE WHEN NOT is_ahead THEN taken.at END, until_time,
            '', coalesce(before.draft, '{{}}'), coalesce(before.draft_version, 0), before.draft_key,
            held, last.lane_round,
            coalesce((SELECT priority FROM fresh), last.lane_priority),
            coalesce((SELECT id - (id <> taken.id)::int FROM fresh), last.lane_id),
            coalesce((SELECT reopened - (id <> taken.id)::int FROM reopened), last.lane_reopened)
        FROM taken
        LEFT JOIN LATERAL (
            SELECT draft, draft_version, draft_key FROM annotation_lease
            WHERE solution_id = taken.solution_id AND labeler_id + 0 = claimer
            ORDER BY id + 0 DESC LIMIT 1
        ) AS before ON true
        RETURNING *
    """


# Plans are kept: making them takes longer than claiming. `claiming` has them made anew now and then.
CLAIM = f"""
CREATE FUNCTION annotation_claim(
    in_project bigint, claimer bigint, is_ahead boolean, at_once integer,
    at_time timestamptz, until_time timestamptz
)
RETURNS SETOF annotation_lease LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
    project record;
    last record;
    held bigint[];
    is_held boolean;
BEGIN
    -- One claim of a labeler at a time. Each statement below sees what was committed before it.
    PERFORM FROM labelers_labeler WHERE id = claimer FOR NO KEY UPDATE;
    SELECT mode, routing_round INTO project FROM annotation_project
    WHERE id = in_project AND paused_at IS NULL AND archived_at IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT id, open_before, lane_round, lane_priority, lane_id, lane_reopened INTO last
    FROM annotation_lease
    -- In the order of the index by labeler and project, so that none is read but the last.
    WHERE labeler_id = claimer AND project_id BETWEEN in_project AND in_project
    ORDER BY project_id DESC, id DESC LIMIT 1;
    -- By their ids alone: an index of open leases keeps those that ended beside an old snapshot.
    SELECT
        coalesce(array_agg(id), '{{}}'),
        count(*) FILTER (WHERE corrects_id IS NULL AND began_at IS NULL) > 0
            OR NOT is_ahead AND count(*) FILTER (WHERE corrects_id IS NULL) >= at_once
    INTO held, is_held
    FROM unnest(last.open_before || last.id) AS mine (lease)
    CROSS JOIN LATERAL (SELECT * FROM annotation_lease WHERE id = mine.lease OFFSET 0) AS hold
    WHERE ended_at IS NULL;
    IF is_held THEN
        RETURN;
    END IF;
    PERFORM FROM annotation_lease
    WHERE labeler_id = claimer AND returns_at <= at_time AND project_id + 0 = in_project
    LIMIT 1;
    IF FOUND THEN
        RETURN;
    END IF;
    IF last.lane_id IS NULL OR last.lane_round <> project.routing_round THEN
        SELECT project.routing_round AS lane_round, 'infinity'::float8 AS lane_priority,
            0::bigint AS lane_id, 0::bigint AS lane_reopened
        INTO last;
    END IF;
    IF project.mode = 'explore' THEN
        RETURN QUERY {take(NOT_THEIR_PROBLEM)};
    ELSE
        RETURN QUERY {take(NOT_THEIRS)};
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("annotation", "0003_browsing")]

    operations: ClassVar = [
        # What every claim would write and no claim reads, and a lock on the project's row.
        migrations.RemoveIndex("lease", "lease_by_end"),
        migrations.RemoveIndex("lease", "lease_open"),
        migrations.AlterField(
            "lease",
            "corrects",
            models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="The annotation that is being corrected; it stays in force until then.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="corrections",
                to="annotation.annotation",
            ),
        ),
        migrations.AlterField(
            "lease",
            "project",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="leases",
                to="annotation.project",
            ),
        ),
        migrations.AddIndex(
            "lease",
            models.Index(
                condition=models.Q(("ended_at", None)),
                fields=["project", "until"],
                name="lease_open",
            ),
        ),
        migrations.AddIndex(
            "lease",
            models.Index(
                condition=models.Q(("corrects", None), _negated=True),
                fields=["corrects"],
                name="lease_corrections",
            ),
        ),
        migrations.AddField(
            "lease",
            "open_before",
            django.contrib.postgres.fields.ArrayField(
                models.BigIntegerField(), default=list, editable=False
            ),
        ),
        migrations.RunSQL(OPEN_NOW, migrations.RunSQL.noop),
        migrations.RunSQL(CLAIM, "DROP FUNCTION annotation_claim;"),
    ]
