"""What a Run is to do: asked for, cut into slices, extended, planned anew."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.db.models import F, Func, IntegerField, Max

from annotation.digests import json_digest
from annotation.models import Project, Run, RunSlice
from web.models import User


def open_run(
    *,
    project: Project,
    kind: Run.Kind,
    identity: dict[str, Any],
    request: dict[str, Any],
    user: User | None = None,
) -> Run:
    """Return the project's Run for `identity`, made or locked for update. Needs a transaction.

    `request` is what was asked, in whole; `identity` is the part that makes it this Run and no
    other (asking for more of the same is the same Run).
    """
    run, _created = Run.objects.get_or_create(
        project=project,
        kind=kind,
        request_key=json_digest(identity),
        defaults={"request": request, "created_by": user},
    )
    run = Run.objects.select_for_update().get(pk=run.pk)
    run.ask(request)
    return run


def batches(entries: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Yield `entries` in batches of `size`, the last one as long as it gets."""
    for start in range(0, len(entries), size):
        yield entries[start : start + size]


def largest_batch(run: Run) -> int:
    """Return how many entries the largest slice of a planned Run holds."""
    length = Func(F("payload"), function="jsonb_array_length", output_field=IntegerField())
    largest: int = run.slices.aggregate(largest=Max(length))["largest"]
    return largest


def next_number(run: Run) -> int:
    """Return the number of the slice that is planned next."""
    last: int | None = run.slices.aggregate(last=Max("number"))["last"]
    return 0 if last is None else last + 1


def add_slices(run: Run, batches: Iterable[Sequence[Any]], *, settles: bool = True) -> int:
    """Plan `batches` as new slices of a locked Run; return how many entries they hold.

    A Run that was stopped goes on with them, unless `settles` is false.
    """
    slices = (
        RunSlice(run=run, number=number, payload=list(batch))
        for number, batch in enumerate(batches, next_number(run))
    )
    added = 0
    while chunk := list(islice(slices, 500)):
        RunSlice.objects.bulk_create(chunk)
        added += sum(len(piece.payload) for piece in chunk)
    run.total += added
    run.save(update_fields=["total"])
    if settles:
        run.settle()
    return added


def recount(run: Run, *, but: RunSlice | None = None) -> None:
    """Set the total of a locked Run to what is done, has failed, and is left in its slices.

    Not in the slice `but`, which is about to end.
    """
    left = run.slices.unfinished()
    if but is not None:
        left = left.exclude(pk=but.pk)
    run.total = run.done + run.failed + left.n_entries()
    run.save(update_fields=["total"])


def plan_anew(run: Run, batches: Iterable[Sequence[Any]]) -> None:
    """Plan `batches` as all that a locked Run is to do from now on.

    Slices in work may end, the others are dropped. For work that is the same however often it is
    done; by how much the queue grew goes on counting.
    """
    # What a worker is taking just now is as good as in work; it waits for the Run, so not for it.
    idle = run.slices.exclude(state=RunSlice.State.WORKING).select_for_update(skip_locked=True)
    run.slices.filter(pk__in=list(idle.values_list("pk", flat=True))).delete()
    run.total = sum(len(piece.payload) for piece in run.slices.all())
    run.done = run.failed = 0
    run.errors = {}
    run.save(update_fields=["total", "done", "failed", "errors"])
    add_slices(run, batches)


def take_back_failures(run: Run, *, transient_only: bool = True) -> list[Any]:
    """Return the entries of a locked Run that failed, counted as undone from now on.

    `transient_only` leaves those that would fail again.
    """
    taken: list[dict[str, Any]] = []
    for piece in run.slices.finished().exclude(failures=[]):
        again = [
            failure for failure in piece.failures if failure["transient"] or not transient_only
        ]
        if again:
            piece.failures = [failure for failure in piece.failures if failure not in again]
            piece.save(update_fields=["failures"])
            taken += again
    run.total -= len(taken)
    run.failed -= len(taken)
    run.errors = dict(Counter(run.errors) - Counter(failure["reason"] for failure in taken))
    run.save(update_fields=["total", "failed", "errors"])
    return [failure["entry"] for failure in taken]
