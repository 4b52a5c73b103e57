"""Celery's doors: each takes ids, calls a use case, and changes nothing when run twice."""

import logging

from celery import shared_task
from django.db import OperationalError

from annotation import ending, route, route_runs, run_kinds, runs

log = logging.getLogger(__name__)


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=5)
def work_on_slice(run_id: int, slice_id: int) -> None:
    """Do one slice of a Run, if it still waits to be done, and ring for the next ones."""
    piece = runs.claim(run_id, slice_id=slice_id)
    if piece is None:
        return
    done = runs.work(piece, run_kinds.slice_work(piece.run))
    log.info("%s: %s", piece, "done" if done else "left")
    run_kinds.ring()


@shared_task(ignore_result=True, expires=30)
def ring_again() -> None:
    """Ring for every slice that waits: bells get lost, PostgreSQL does not forget."""
    run_kinds.ring()


@shared_task(ignore_result=True, expires=30)
def expire_leases() -> None:
    """Open the slots again whose lease has run out."""
    expired = ending.expire_everywhere()
    if expired:
        log.info("%d leases ran out", expired)


@shared_task(ignore_result=True, expires=30)
def route_solutions() -> None:
    """Send every solution of which something new is known where its project's policy says.

    Marking that no policy asks for any more ends before.
    """
    if followed := route_runs.follow_everywhere():
        log.info("%d runs followed their project's policy", followed)
        run_kinds.ring()
    routed = route.catch_up_everywhere()
    if routed:
        log.info("%d solutions looked at again", routed)
        run_kinds.ring()
