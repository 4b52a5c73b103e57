"""What a claim costs: with ever more open slots, a long past, and beside an old snapshot.

Each claim is of `leases.claim_next` itself. Buffers are those that EXPLAIN counts for the very
statements of a claim, in the place and at the time where they run.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection, transaction

from annotation import leases
from annotation.models import Lease, Project
from bench.filled_queue import (
    OVERLAP,
    fill,
    make_labeler,
    mark_best,
    mark_by_another,
    settle_queue,
    submit,
)
from labelers.models import Labeler

MARKED = 100_000
CLAIMS = 200
EXPLAINED = 10
LIMIT = 2.0


def measure_sizes(sizes: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Yield the bars of a claim's time and buffers at each of `sizes` against the smallest.

    The labeler has marked the best `MARKED` solutions; what is open of these beyond a size, others
    have submitted. Last comes the one claim that reads all of it again.
    """
    times, touched = [], []
    for size in sizes:
        labeler, project = _queue_of(size, MARKED)
        seconds = [_timed(labeler, project) for _ in range(CLAIMS)]
        times.append(1000 * statistics.median(seconds))
        touched.append(statistics.median(_explained(labeler, project) for _ in range(EXPLAINED)))
    for size, took, buffers in zip(sizes[1:], times[1:], touched[1:], strict=True):
        name = f"claim at {size:,} open slots against {sizes[0]:,}"
        yield _bar(name, "ms", took, times[0])
        yield _bar(f"{name}: buffers", "buffers", buffers, touched[0])
    yield _rescan(labeler, project, times[-1])


def measure_old_snapshot(claims: int) -> Iterator[dict[str, Any]]:
    """Yield the bars of the last of `claims` against the first, beside an old snapshot."""
    some = min(CLAIMS, claims // 4)
    labeler, project = make_labeler("in a row"), fill(claims + 2 * EXPLAINED, overlap=OVERLAP)
    settle_queue()
    with old_snapshot():
        first_touched = statistics.median(_explained(labeler, project) for _ in range(EXPLAINED))
        seconds = [_timed(labeler, project) for _ in range(claims)]
        last_touched = statistics.median(_explained(labeler, project) for _ in range(EXPLAINED))
    first, last = (1000 * statistics.median(part) for part in (seconds[:some], seconds[-some:]))
    name = f"the last of {claims:,} claims beside an old snapshot against the first"
    yield _bar(name, "ms", last, first)
    yield _bar(f"{name}: buffers", "buffers", last_touched, first_touched)


def _queue_of(size: int, marked: int) -> tuple[Labeler, Project]:
    """Make a queue with `size` open slots, of which a labeler has marked the best solutions."""
    labeler = make_labeler(f"of {size}")
    # Each solution that they marked has one slot less open; some are left to be claimed.
    solutions = max((size + marked) // OVERLAP, marked + CLAIMS + EXPLAINED + 10)
    project = fill(solutions)
    mark_best(labeler, project, marked)
    too_many = OVERLAP * solutions - marked - size
    for other in range(1, OVERLAP):
        count = min(marked, max(0, too_many - (other - 1) * marked))
        if count:
            mark_by_another(make_labeler(f"other {other} of {size}"), count)
    settle_queue()
    return labeler, project


def _rescan(labeler: Labeler, project: Project, usual_ms: float) -> dict[str, Any]:
    """Measure the first claim after a bulk routing, which reads from the start, once."""
    Project.objects.filter(pk=project.pk).update(routing_round=project.routing_round + 1)
    name = "the one claim after a bulk routing against any other"
    return {**_bar(name, "ms", 1000 * _timed(labeler, project), usual_ms), "limit": None}


def _timed(labeler: Labeler, project: Project) -> float:
    began = time.perf_counter()
    lease = leases.claim_next(labeler=labeler, project=project)
    seconds = time.perf_counter() - began
    _done(lease)
    return seconds


def _done(lease: Lease | None) -> None:
    assert lease is not None, "there was nothing to claim"
    submit([lease.pk])


def _explained(labeler: Labeler, project: Project) -> int:
    """Return how many buffers the statements of one claim touch, in memory or not."""
    touched = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if sql.lstrip().startswith(("SELECT", "WITH", "INSERT", "UPDATE")):
            touched.append(_buffers(context["cursor"].cursor, sql, params))
        return execute(sql, params, many, context)

    with transaction.atomic(), connection.execute_wrapper(explain):
        lease = leases.claim_next(labeler=labeler, project=project)
    _done(lease)
    return sum(touched)


def _buffers(cursor: psycopg.Cursor[Any], sql: str, params: Any) -> int:
    """Count a statement's buffers, and take back what it did."""
    # Past Django's cursor, which would explain this too.
    cursor.execute("SAVEPOINT explained")
    cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {sql}", params)
    row = cursor.fetchone()
    cursor.execute("ROLLBACK TO SAVEPOINT explained")
    assert row is not None
    plan = row[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


@contextmanager
def old_snapshot() -> Iterator[None]:
    """Hold a transaction open that can still see every row there is now, as an export does."""
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    parameters.pop("context", None)
    with psycopg.connect(**parameters) as export:
        export.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        export.execute("SELECT count(*) FROM annotation_project")
        yield


def _bar(name: str, unit: str, measured: float, reference: float) -> dict[str, Any]:
    return {
        "name": name,
        "unit": unit,
        "measured": round(measured, 2),
        "reference": round(reference, 2),
        "ratio": round(measured / reference, 3),
        "limit": LIMIT,
        "limit_kind": "at most",
    }
