"""How far a Run is: its pace, the time it has left, what waits and what failed in it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.db.models import F, Func, IntegerField, QuerySet, Sum
from django.db.models.expressions import RawSQL
from django.utils import timezone

from annotation.models import Assignment, Problem, Run

WINDOW = timedelta(minutes=5)
"""The pace of a Run that goes on is that of this last time."""

_ENTRIES = """
    SELECT ({key})::bigint, failure->>'reason'
    FROM annotation_runslice, jsonb_array_elements(failures) AS failure
    WHERE run_id = %s AND state = 'finished' AND jsonb_typeof(failure->'entry') <> 'object'
"""
# An entry of a labelling Run is an assignment's id (or an object, a part of its plan), one of a
# sampling Run a problem's id and a number.
_FAILED = {
    Run.Kind.LABELLING: _ENTRIES.format(key="failure->>'entry'"),
    Run.Kind.SAMPLING: _ENTRIES.format(key="failure->'entry'->>0"),
}
LISTED = frozenset(_FAILED)
"""The kinds of Run of which each part that failed can be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What is known of a Run beside its own counts."""

    settled: int
    """Entries that are done or failed."""
    percent: float
    """That, of the whole."""
    per_minute: float | None
    """Entries brought to an end; None where nothing was yet."""
    time_left: timedelta | None
    """None where it does not go on, or nothing can be said yet."""
    waiting: dict[str, int]
    """Why entries wait to be tried again, and how many; the most frequent first."""

    @property
    def n_waiting(self) -> int:
        return sum(self.waiting.values())


def progress(run: Run) -> Progress:
    per_minute = _per_minute(run)
    time_left = None
    if run.state == Run.State.RUNNING and per_minute:
        time_left = timedelta(minutes=_left(run) / per_minute)
    again = run.slices.unfinished().exclude(failures=[])
    waiting = Counter(
        failure["reason"] for failures in again.values_list("failures", flat=True)
        for failure in failures
    )  # fmt: skip
    settled = run.done + run.failed
    return Progress(
        settled=settled,
        percent=100 * settled / run.total if run.total else 100.0,
        per_minute=per_minute,
        time_left=time_left,
        waiting=dict(waiting.most_common()),
    )


def _left(run: Run) -> int:
    """Return how many entries the Run goes on with: not those that it leaves alone for now."""
    if not run.tries_from:
        return run.left
    length = Func(F("payload"), function="jsonb_array_length", output_field=IntegerField())
    again = run.slices.unfinished().filter(number__gte=run.tries_from)
    left: int | None = again.aggregate(left=Sum(length))["left"]
    return left or 0


def _per_minute(run: Run) -> float | None:
    if run.started_at is None:
        return None
    until = run.finished_at or timezone.now()
    since = run.started_at if run.finished_at else max(run.started_at, until - WINDOW)
    recent = run.slices.finished().filter(finished_at__gte=since)
    settled = recent.aggregate(settled=Sum("settled"))["settled"]
    seconds = max(1.0, (until - since).total_seconds())
    return 60 * settled / seconds if settled else None


def failed(run: Run) -> QuerySet[Assignment] | QuerySet[Problem]:
    """Return what counts as failed in a Run of a LISTED kind: the assignments of a labelling Run,
    the problems of which a sampling Run could not draw some solutions."""
    keys = f"SELECT id FROM ({_FAILED[Run.Kind(run.kind)]}) AS failed (id, reason)"  # noqa: S608 - from above
    ids = RawSQL(keys, [run.pk])  # noqa: S611 - from above
    if run.kind == Run.Kind.LABELLING:
        return Assignment.objects.filter(pk__in=ids).select_related("solution")
    return Problem.objects.filter(pk__in=ids)


def reasons(run: Run, ids: Sequence[int]) -> dict[int, str]:
    """Return why the assignments or problems of these ids failed in `run`."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT * FROM ({_FAILED[Run.Kind(run.kind)]}) AS failed (id, reason)"  # noqa: S608 - from above
            " WHERE id = ANY(%s)",
            [run.pk, list(ids)],
        )
        return dict(cursor.fetchall())
