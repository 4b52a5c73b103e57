"""The life of a Run: asked for, cut into slices, worked on by anyone, ended once.

PostgreSQL is the queue; Celery is only the doorbell (`tasks.py`). Whoever takes a slice
holds it by a lease that a heartbeat extends, works outside of any transaction, and writes
what it made in one transaction with the slice's own end. A slice whose holder died is taken
again from the start; a holder that lost its lease finds out before it writes.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from time import monotonic, sleep
from typing import Protocol

from django.db import (
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
    transaction,
)
from django.utils import timezone

from annotation import events, run_pace, unmarked
from annotation.models import Run, RunSlice
from annotation.run_pace import Failure as Failure

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
REASONS_KEPT = 50
DATABASE_GONE = (OperationalError, InterfaceError)
PASSING = (ConnectionError, TimeoutError)
"""Errors that may pass: what met one is tried again by the Run itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What came of one slice."""

    done: int
    failures: Sequence[Failure] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0
    grown: int = 0
    """By how many slots of work the queue grew."""
    calls: int = 0
    estimated_calls: int = 0
    money: Decimal = Decimal(0)


class SliceWork(Protocol):
    """How one kind of Run does a slice.

    Called outside of transactions; returns what writes the rows, called inside one. Both raise
    CannotRun when nothing of the Run can be done, NotToBeDone when this slice is to wait.
    """

    def __call__(self, piece: RunSlice) -> Callable[[], Made]: ...


class CannotRun(Exception):
    """The Run as a whole cannot go on; the message says why, for the person who asked."""


class NotToBeDone(Exception):
    """A slice is not to be done now: it waits again, as if nobody had taken it."""


class RunFailed(Exception):
    """A Run ended before all of it was done; the message says why."""


def claim(run_id: int, *, slice_id: int | None = None) -> RunSlice | None:
    """Take one waiting slice of an unfinished Run, or None when there is none to take."""
    with transaction.atomic():
        if not run_pace.has_room(run_id):
            return None
        waiting = RunSlice.objects.waiting().filter(run__in=Run.objects.due().filter(pk=run_id))
        if slice_id is not None:
            waiting = waiting.filter(pk=slice_id)
        # What failed before comes first: a Run that cannot go on is to be known early.
        piece = (
            waiting.select_for_update(skip_locked=True, of=("self",))
            .order_by("-tries", "number")
            .first()
        )
        if piece is None:
            return None
        piece.take()
        piece.run.begin()
        return piece


def work_here(
    run: Run,
    slice_work: SliceWork,
    *,
    seconds: float | None = None,
    tell: Callable[[], object] = lambda: None,
) -> None:
    """Do the slices of `run` in this process, beside any worker that does the same.

    It ends with the Run, or begins no slice after `seconds`. Calls `tell` whenever `run` is as far
    as it says.
    """
    started = monotonic()
    while run.is_unfinished and (seconds is None or monotonic() - started < seconds):
        piece = claim(run.pk)
        if piece is not None:
            work(piece, slice_work)
        elif seconds is not None:
            return
        else:
            sleep(0.5)  # another worker holds what is left; its lease ends if it dies
        run.refresh_from_db()
        tell()


def check_done(run: Run) -> None:
    """Raise RunFailed for a Run that was stopped, or some of which failed."""
    if run.state == Run.State.CANCELLED:
        raise RunFailed(f"{run} was cancelled")
    if run.error:
        raise RunFailed(run.error)
    if run.failed:
        reasons = sorted(run.errors.items(), key=lambda entry: -entry[1])
        lines = "\n".join(f"  {count:,} x {reason}" for reason, count in reasons)
        raise RunFailed(f"{run.failed:,} of {run.total:,} failed:\n{lines}")


def work(piece: RunSlice, slice_work: SliceWork) -> bool:
    """Do a claimed slice. False when it was lost to somebody else, or its Run cannot go on.

    An unexpected error fails the slice's entries with its text, to be tried when the Run is asked
    for again; one of PASSING is tried again before. A database that does not answer raises: the
    lease ends, and the slice is taken again.
    """
    if piece.attempt > MAX_ATTEMPTS:
        reason = f"given up: {MAX_ATTEMPTS} workers stopped while they worked on it"
        return finish(piece, partial(failed_whole, piece, reason), work_ms=0, tries_again=False)
    started = monotonic()
    try:
        with heartbeat(piece), run_pace.hearing_limits(piece.run):
            write = slice_work(piece)
        return finish(piece, write, work_ms=round((monotonic() - started) * 1000))
    except CannotRun as error:
        return stop_run(piece, str(error))
    except NotToBeDone:
        return give_back(piece)
    except DATABASE_GONE:
        raise
    except Exception as error:
        log.exception("%s", piece)
        reason = f"{type(error).__name__}: {error}"
        again = isinstance(error, PASSING)
        return finish(piece, partial(failed_whole, piece, reason), work_ms=0, tries_again=again)


def failed_whole(piece: RunSlice, reason: str) -> Made:
    failures = [Failure(entry=entry, reason=reason, transient=True) for entry in piece.payload]
    return Made(done=0, failures=failures)


def finish(
    piece: RunSlice, write: Callable[[], Made], *, work_ms: int, tries_again: bool = True
) -> bool:
    """Write what a slice made and its end, in one transaction, unless its lease was lost.

    `tries_again` plans anew what failed for passing reasons, before that counts as failed.
    """
    if not connection.in_atomic_block:
        close_old_connections()  # the work may have taken longer than the connection lived
    with transaction.atomic():
        if not piece.still_held():
            return False
        made = write()
        run = Run.objects.select_for_update().get(pk=piece.run_id)
        failures = run_pace.put_off(run, piece, made.failures) if tries_again else made.failures
        settled = made.done + len(failures)
        piece.finish([failure.as_json() for failure in failures], settled=settled)
        _count(run, made, failures, work_ms)
        unmarked.give_up(run, [(failure.entry, failure.reason) for failure in failures])
        if not run.slices.unfinished().exists():
            run.settle()
            events.run_ended(run)
        elif run.has_tried():
            if run.state in unmarked.LEFT:
                run_pace.end(run)
        else:
            run_pace.stop_in_time(run, made.failures)
    return True


def _count(run: Run, made: Made, failures: Sequence[Failure], work_ms: int) -> None:
    run.done += made.done
    run.failed += len(failures)
    run.failed_in_a_row = 0 if made.done else run.failed_in_a_row + len(failures)
    run.prompt_tokens += made.prompt_tokens
    run.completion_tokens += made.completion_tokens
    run.grown += made.grown
    run.calls += made.calls
    run.estimated_calls += made.estimated_calls
    run.money += made.money
    run.work_ms += work_ms
    errors = Counter(run.errors) + Counter(failure.reason for failure in failures)
    run.errors = dict(errors.most_common(REASONS_KEPT))
    run.save()


def stop_run(piece: RunSlice, reason: str) -> bool:
    """Stop a Run that cannot go on; asking for it again resumes it. Always False."""
    with transaction.atomic():
        if piece.still_held():
            piece.give_back()
            if piece.run.fail(reason):
                run_pace.end(piece.run)
    return False


def give_back(piece: RunSlice) -> bool:
    """Have a slice wait again. Always False."""
    with transaction.atomic():
        if piece.still_held():
            piece.give_back()
    return False


@contextmanager
def heartbeat(piece: RunSlice) -> Iterator[None]:
    """Extend the lease of `piece` from a thread of its own while the work goes on."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(RunSlice.LEASE / timedelta(seconds=1) / 3):
            try:
                piece.extend()
            except DATABASE_GONE:
                log.warning("the lease of %s could not be extended, trying again", piece)
                connection.close()
        connection.close()

    thread = threading.Thread(target=beat, name=f"heartbeat of {piece}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def to_ring(*, limit_a_run: int = 16) -> list[tuple[int, int, str]]:
    """Return (run id, slice id, queue) of the slices to ring a bell for, marked as rung.

    At most the first `limit_a_run` waiting slices of each unfinished Run, none that was rung
    within the last lease: a queue that nobody empties does not fill with bells.
    """
    now = timezone.now()
    rung: list[tuple[int, int, str]] = []
    for run in Run.objects.due():
        room = limit_a_run if run.at_once is None else max(0, run_pace.room_in(run))
        waiting = list(run.slices.waiting().order_by("-tries", "number")[:room])
        due = [piece for piece in waiting if piece.bell_is_due(now)]
        RunSlice.objects.filter(pk__in=[piece.pk for piece in due]).update(rung_at=now)
        rung += [(run.pk, piece.pk, run.queue) for piece in due]
    return rung
