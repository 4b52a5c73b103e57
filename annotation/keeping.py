"""Writing finished work, all of it in one statement: what every submission waits for."""

import json
from collections.abc import Mapping, Sequence

from django.db import connection

from annotation.drafts import Draft
from annotation.finished import Finished
from annotation.models import Annotation, Lease, Step
from annotation.models.work import NotOpen

_FIELDS = (
    "project_id",
    "labeler_id",
    "solution_id",
    "assignment_id",
    "is_surplus",
    "supersedes_id",
    "finish_reason",
    "comment",
    "total_time_ms",
    "elapsed_ms",
    "progress",
    "bad_splits",
    "generation",
    "score",
    "submitted_at",
)
_KEEP = """
WITH kept AS (
    INSERT INTO annotation_annotation (
        project_id, labeler_id, solution_id, assignment_id, lease_id, is_surplus, supersedes_id,
        finish_reason, comment, total_time_ms, elapsed_ms, progress, bad_splits, generation, score,
        submitted_at, is_practice, is_quality_control, is_screening, evidence, shape
    )
    VALUES (
        %(project_id)s, %(labeler_id)s, %(solution_id)s, %(assignment_id)s, %(lease)s,
        %(is_surplus)s, %(supersedes_id)s, %(finish_reason)s, %(comment)s, %(total_time_ms)s,
        %(elapsed_ms)s, %(progress)s, %(bad_splits)s::smallint[], %(generation)s, %(score)s,
        %(submitted_at)s, false, false, false, '{}', '{}'
    )
    RETURNING id
),
positions AS (
    INSERT INTO annotation_position (annotation_id, position, chosen_id, human_step_id, listed)
    SELECT kept.id, made.* FROM kept CROSS JOIN unnest(
        %(positions)s::smallint[], %(chosen)s::bigint[], %(human)s::bigint[], %(listed)s::boolean[]
    ) AS made
),
labels AS (
    INSERT INTO annotation_steplabel
        (annotation_id, step_id, rating, flagged, comment, shown_order)
    SELECT kept.id, made.* FROM kept CROSS JOIN unnest(
        %(steps)s::bigint[], %(ratings)s::smallint[], %(flagged)s::boolean[], %(comments)s::text[],
        %(shown)s::smallint[]
    ) AS made
),
slot AS (
    UPDATE annotation_assignment SET state = 'submitted'
    WHERE id = %(slot)s AND state = 'leased'
    RETURNING id
),
again AS (
    INSERT INTO annotation_reconsideration (project_id, solution_id)
    VALUES (%(project_id)s, %(solution_id)s)
),
ended AS (
    UPDATE annotation_lease
    SET ended_at = %(ended_at)s, outcome = %(outcome)s, draft = %(draft)s::jsonb,
        draft_version = %(draft_version)s
    WHERE id = %(lease)s
)
SELECT id, (SELECT id FROM slot) FROM kept
"""


def keep(
    annotation: Annotation,
    finished: Finished,
    written: Mapping[int, Step],
    *,
    lease: Lease,
    draft: Draft,
) -> None:
    """Insert `annotation`, its positions and its labels, and end its `lease` and slot.

    `written` has the steps that the labeler wrote, by position: each gets a label without a rating.
    The draft is kept for surplus work, too: a correction begins with it. Raises NotOpen where the
    slot is not leased. Needs a transaction, and the lease locked. Its
    solution is noted to be looked at again.
    """
    lease.draft, lease.draft_version = draft.as_json(), lease.draft_version + 1
    if lease.is_open:
        lease.ended_at, lease.outcome = annotation.submitted_at, Lease.Outcome.SUBMITTED
    is_first = annotation.supersedes_id is None
    slot = annotation.assignment_id if is_first else None
    values = {
        **{name: getattr(annotation, name) for name in _FIELDS},
        **_marks(finished, written),
        "slot": slot,
        "lease": lease.pk,
        "ended_at": lease.ended_at,
        "outcome": lease.outcome,
        "draft": json.dumps(lease.draft),
        "draft_version": lease.draft_version,
    }
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, values)
        annotation.pk, submitted = cursor.fetchone()
    if submitted != slot:
        raise NotOpen(f"assignment {slot} is not leased")
    annotation._state.adding = False


def _marks(finished: Finished, written: Mapping[int, Step]) -> dict[str, Sequence[object]]:
    """Return the columns of the positions and of the labels."""
    positions, labels = finished.positions, finished.labels
    own = [written[position.position].pk for position in positions if position.human is not None]
    human = [
        None if position.human is None else written[position.position].pk for position in positions
    ]
    nothing = [None] * len(own)
    return {
        "positions": [position.position for position in positions],
        "chosen": [position.chosen for position in positions],
        "human": human,
        "listed": [position.listed for position in positions],
        "steps": [*(label.step for label in labels), *own],
        "ratings": [*(label.rating for label in labels), *nothing],
        "flagged": [*(label.flagged for label in labels), *(False for _ in own)],
        "comments": [*(label.comment for label in labels), *("" for _ in own)],
        "shown": [*(label.shown_order for label in labels), *nothing],
    }
