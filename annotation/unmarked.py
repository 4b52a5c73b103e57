"""What model labelers leave unmarked: no solution waits for it for ever (docs/routing.md).

A slot has failed once its judge's tries are used up. The slots of a Run that was cancelled, or that
could not go on, stay open, as it may be taken up again; until then nothing waits for them either.
"""

from collections.abc import Collection, Sequence
from typing import Any

from annotation import run_plans
from annotation.asking import lacking
from annotation.models import Assignment, Reconsideration, Run, RunSlice
from labelers.models import Labeler

LEFT = (Run.State.CANCELLED, Run.State.FAILED)
"""States of a Run that nobody waits for; a paused one is to go on."""


def give_up(run: Run, failures: Sequence[tuple[Any, str]]) -> None:
    """Close the slots that failed for good in a locked Run that labels: entry and reason of each.

    Their solutions are looked at again; of a plan that failed, those that it had not planned yet.
    Needs a transaction.
    """
    if run.kind != Run.Kind.LABELLING or not failures:
        return
    reasons = {entry: reason for entry, reason in failures if isinstance(entry, int)}
    slots = Assignment.objects.open().filter(pk__in=reasons).order_by("pk")
    closed = list(slots.select_for_update())
    for slot in closed:
        Assignment.close([slot], Assignment.State.FAILED, reasons[slot.pk])
    if run.project.is_routed:
        Reconsideration.objects.ask_for(run.project, [slot.solution_id for slot in closed])
    if len(reasons) < len(failures):
        run_plans.recount(run)  # what was not planned is not left to do
        if run.project.is_routed:
            _ask_for_unplanned(run)


def let_go(run: Run) -> None:
    """Have what a Run leaves unmarked, which was stopped just now, looked at again.

    Needs the transaction that stopped it.
    """
    if run.kind != Run.Kind.LABELLING or not run.project.is_routed:
        return
    left = Assignment.objects.open().filter(
        project=run.project_id, labeler__uuid=run.request["labeler"]
    )
    Reconsideration.objects.ask_for_all(run.project, left.values("solution"))
    if run.slices.unfinished().plans().exists():
        _ask_for_unplanned(run)


def _ask_for_unplanned(run: Run) -> None:
    """Have looked at again what a Run has not planned yet: it has no slot."""
    labeler = Labeler.objects.get(uuid=run.request["labeler"])
    Reconsideration.objects.ask_for_all(run.project, lacking(run.project, labeler).values("pk"))


def stopped_labelers(
    project_id: int, labelers: Collection[int], *, unplanned: bool = False
) -> set[int]:
    """Return those of `labelers`, by id, whose Run in a project is not waited for.

    With `unplanned` only those whose Run had not planned all solutions: some have no slot yet.
    """
    runs = Run.objects.filter(project=project_id, kind=Run.Kind.LABELLING, state__in=LEFT)
    if unplanned:
        open_plans = RunSlice.objects.unfinished().plans()
        runs = runs.filter(pk__in=open_plans.values("run"))
    stopped = [request["labeler"] for request in runs.values_list("request", flat=True)]
    found = Labeler.objects.filter(pk__in=labelers, uuid__in=stopped)
    return set(found.values_list("pk", flat=True))
