"""What each kind of Run does with a slice, and how workers are told that slices wait."""

import logging

from celery import current_app
from kombu.exceptions import OperationalError

from annotation import drawing, labelling, runs
from annotation.models import Run

log = logging.getLogger(__name__)

SLICE_WORK: dict[str, runs.SliceWork] = {
    Run.Kind.SAMPLING: drawing.draw_slice,
    Run.Kind.LABELLING: labelling.judge_slice,
}


def slice_work(run: Run) -> runs.SliceWork:
    return SLICE_WORK[run.kind]


def ring() -> int:
    """Tell the workers of every slice that waits; return how many bells were rung.

    A broker that cannot be reached only delays the work: the sweeper rings again.
    """
    bells = runs.to_ring()
    try:
        for run_id, slice_id, queue in bells:
            current_app.send_task(
                "annotation.tasks.work_on_slice", args=[run_id, slice_id], queue=queue
            )
    except OperationalError as error:
        log.warning("the broker cannot be reached, the sweeper will ring again: %s", error)
    return len(bells)
