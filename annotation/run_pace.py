"""How fast a Run goes on: what is tried again and when, what a rate limit does, when it stops."""

import logging
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import Error, connection, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import events, unmarked
from annotation.models import Run, RunSlice
from labelers.engines.rate_limits import listening

log = logging.getLogger(__name__)

RETRIES = 4
"""How often what failed for passing reasons is tried again before that counts as failed."""
FIRST_WAIT_S = 4.0
"""Before the first of these, twice as long before each next one, and half as long again or less
by lot, so that slices come back apart."""
UNTOLD_WAIT_S = 15.0
"""After a rate limit that does not say how long it lasts."""
LONGEST_WAIT_S = 600.0
"""A server that asks for more patience than this is asked again after this."""
MOST_AT_ONCE = 16
"""Slices at once from which a Run counts as no longer slowed."""
ALL_FAILED = 50
"""A Run stops early when this many entries in a row have failed, and none was done between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A part of a slice that came to nothing: the entry of its payload, and why."""

    entry: Any
    reason: str
    transient: bool = False
    """Whether the same may succeed later."""
    retry_after_s: float | None = None
    """Set where a rate limit refused it: the seconds to wait, 0 where the server does not say."""
    stops_run: bool = False
    """Whether all else would fail like this: it waits for somebody to let the Run go on."""

    def as_json(self) -> dict[str, Any]:
        return {"entry": self.entry, "reason": self.reason, "transient": self.transient}


class NotNow(ValueError):
    """A Run is not in a state for what was asked; the message says why."""


def set_budget(run: Run, budget: Decimal | None) -> None:
    """Give a locked Run that is to go on a budget; None leaves the one it has.

    Raises NotNow for a budget that is spent already, and where the Run has no price.
    """
    if budget is not None:
        if not run.currency:
            raise NotNow(_("A budget needs a price in the labeler’s configuration."))
        run.budget = budget
        run.save(update_fields=["budget"])
    if run.is_over_budget:
        said = _("The budget is spent: %(money)s of %(budget)s %(currency)s. Raise it to go on.")
        figures = {"money": f"{run.money:.2f}", "budget": f"{run.budget:.2f}"}
        raise NotNow(said % {**figures, "currency": run.currency})


def has_room(run_id: int) -> bool:
    """Whether one more slice of a Run may be taken; locks a Run that a rate limit has slowed."""
    slowed = Run.objects.select_for_update().filter(pk=run_id).exclude(at_once=None).first()
    return slowed is None or room_in(slowed) > 0


def room_in(run: Run) -> int:
    """Return how many slices more a slowed Run may have in work."""
    return (run.at_once or 0) - run.slices.working().count()


def put_off(run: Run, piece: RunSlice, failures: Sequence[Failure]) -> Sequence[Failure]:
    """Plan again what failed of a locked Run for passing reasons, as slices; return the rest.

    What a rate limit refused comes back as often as need be and slows the Run down; what stops the
    Run comes back when that goes on; anything else comes back RETRIES times.
    """
    if run.kind not in Run.PATIENT:
        return failures
    limits = [failure.retry_after_s for failure in failures if failure.retry_after_s is not None]
    if limits:
        _slow_down(run, max(limits))
    elif run.at_once is not None:
        run.at_once = run.at_once + 1 if run.at_once < MOST_AT_ONCE else None
    limited = [one for one in failures if one.retry_after_s is not None and not one.stops_run]
    _plan(run, limited, tries=piece.tries, wait_s=0)
    stopped = [failure for failure in failures if failure.stops_run]
    _plan(run, stopped, tries=piece.tries, wait_s=0)
    others = [one for one in failures if one.retry_after_s is None and not one.stops_run]
    if piece.tries >= RETRIES:
        return others
    passing = [failure for failure in others if failure.transient]
    wait_s = FIRST_WAIT_S * 2**piece.tries * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
    _plan(run, passing, tries=piece.tries + 1, wait_s=wait_s)
    return [failure for failure in others if not failure.transient]


@contextmanager
def hearing_limits(run: Run) -> Iterator[None]:
    """Slow `run` down as soon as an engine meets a rate limit, while its draws still wait."""
    threads: list[threading.Thread] = []

    def hear(retry_after_s: float) -> None:
        # In a thread of its own: an engine may be amid its event loop, where no query may be made.
        thread = threading.Thread(target=_slow_down_now, args=(run.pk, retry_after_s), daemon=True)
        thread.start()
        threads.append(thread)

    if run.kind not in Run.PATIENT:
        yield
        return
    try:
        with listening(hear):
            yield
    finally:
        for thread in threads:
            thread.join()


def _slow_down_now(run_id: int, retry_after_s: float) -> None:
    try:
        with transaction.atomic():
            run = Run.objects.select_for_update().filter(pk=run_id).first()
            if run is not None:
                _slow_down(run, retry_after_s)
                run.save(update_fields=["at_once", "not_before"])
    except Error:
        log.warning("run %s could not be slowed down before its slice ends", run_id)
    finally:
        connection.close()


def _slow_down(run: Run, asked_s: float) -> None:
    """Have half as many slices in work at once, and none before the server wants to be asked.

    Slices that were in work when the first of them met the limit do not halve it again.
    """
    if run.not_before is None or run.not_before <= timezone.now():
        run.at_once = max(1, (run.at_once or run.slices.working().count()) // 2)
    wait_s = min(asked_s or UNTOLD_WAIT_S, LONGEST_WAIT_S)
    wait_s += random.uniform(0, 1)  # noqa: S311 - no secret
    until = timezone.now() + timedelta(seconds=wait_s)
    run.not_before = max(until, run.not_before or until)


def _plan(run: Run, failures: Sequence[Failure], *, tries: int, wait_s: float) -> None:
    if not failures:
        return
    last = run.slices.aggregate(last=Max("number"))["last"]
    RunSlice.objects.create(
        run=run,
        number=last + 1,
        payload=[failure.entry for failure in failures],
        failures=[failure.as_json() for failure in failures],
        tries=tries,
        not_before=timezone.now() + timedelta(seconds=wait_s) if wait_s else None,
    )


def stop_in_time(run: Run, failures: Sequence[Failure]) -> None:
    """Pause a locked Run whose budget is spent; stop one of which nothing succeeds any more.

    `failures` are those that it met just now.
    """
    if run.kind not in Run.PATIENT:
        return
    stopped = next((failure for failure in failures if failure.stops_run), None)
    if stopped is not None:
        if run.fail(stopped.reason):
            end(run)
    elif run.is_over_budget:
        run.pause()
    elif run.failed_in_a_row >= ALL_FAILED:
        most = max(run.errors, key=lambda reason: run.errors[reason])
        why = f"stopped early: the last {run.failed_in_a_row} all failed, most often: {most}"
        if run.fail(why):
            end(run)


def end(run: Run) -> None:
    """Have nobody wait for a Run that was cancelled or failed just now, and tell that it ended.

    Needs the transaction that stopped it.
    """
    unmarked.let_go(run)
    events.run_ended(run)
