"""What each kind of Run does with a slice, and how workers are told that slices wait."""

import logging

from celery import current_app
from kombu.exceptions import OperationalError

from annotation import candidate_drawing, cloning, drawing, labelling, looking_again, runs
from annotation.models import Run

log = logging.getLogger(__name__)

FULL_QUEUE = 64
"""Bells in a queue; more would not wake anybody sooner, and nobody may be there to empty it."""

AT_ONCE_S = 1.0
"""How long somebody who asked for a Run is kept waiting for it; the workers do what is left."""

SLICE_WORK: dict[str, runs.SliceWork] = {
    Run.Kind.SAMPLING: drawing.draw_slice,
    Run.Kind.LABELLING: labelling.judge_slice,
    Run.Kind.CANDIDATES: candidate_drawing.draw_slice,
    Run.Kind.ROUTING: looking_again.route_slice,
    Run.Kind.CLONING: cloning.copy_slice,
}


def register(kind: Run.Kind, work: runs.SliceWork) -> None:
    """Say how a kind of Run that an app above this one carries out does its slices.

    Called once, from that app's `ready`. Raises ValueError where the kind is taken.
    """
    if SLICE_WORK.setdefault(kind, work) is not work:
        raise ValueError(f"runs of kind {kind} are done by {SLICE_WORK[kind]} already")


def slice_work(run: Run) -> runs.SliceWork:
    return SLICE_WORK[run.kind]


def begin(run: Run) -> None:
    """Do what a second is enough for, with whoever asked for it waiting; leave the rest.

    All of it where a policy says where solutions go: one slice may take as long as a sweep.
    """
    if run.kind != Run.Kind.ROUTING or not run.project.is_routed:
        runs.work_here(run, slice_work(run), seconds=AT_ONCE_S)
    if run.is_unfinished:
        ring()


def ring() -> int:
    """Tell the workers of every slice that waits; return how many bells were rung.

    A full queue is left alone, and a broker that cannot be reached only delays the work: the
    sweeper rings again.
    """
    bells = runs.to_ring()
    try:
        lengths = {queue: bells_in(queue) for queue in {queue for _, _, queue in bells}}
        rung = [bell for bell in bells if lengths[bell[2]] < FULL_QUEUE]
        for run_id, slice_id, queue in rung:
            current_app.send_task(
                "annotation.tasks.work_on_slice", args=[run_id, slice_id], queue=queue
            )
    except OperationalError as error:
        log.warning("the broker cannot be reached, the sweeper will ring again: %s", error)
        return 0
    return len(rung)


def bells_in(queue: str) -> int:
    """Return how many messages a queue holds, 0 where there is none yet."""
    with current_app.connection_for_write() as connection:
        channel = connection.default_channel
        try:
            return int(channel.queue_declare(queue, passive=True).message_count)
        except connection.channel_errors:
            return 0
