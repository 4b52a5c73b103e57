"""What each kind of Run does with a slice, and how workers are told that slices wait."""

from celery import current_app

from annotation import labelling, runs, sampling
from annotation.models import Run

SLICE_WORK: dict[str, runs.SliceWork] = {
    Run.Kind.SAMPLING: sampling.draw_slice,
    Run.Kind.LABELLING: labelling.judge_slice,
}


def slice_work(run: Run) -> runs.SliceWork:
    return SLICE_WORK[run.kind]


def ring() -> int:
    """Tell the workers of every slice that waits; return how many bells were rung."""
    bells = runs.to_ring()
    for run_id, slice_id, queue in bells:
        current_app.send_task(
            "annotation.tasks.work_on_slice", args=[run_id, slice_id], queue=queue
        )
    return len(bells)
