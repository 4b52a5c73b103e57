"""The queue of a program that is a model labeler: it marks over REST what no judge here could.

It is its account, and takes each written solution of the project once, oldest first: never a slot
that is meant for a person. What it finds counts as a model's, by its name.
"""

from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.utils import timezone

from annotation.asking import lacking
from annotation.claiming import lock
from annotation.ending import expire_overdue
from annotation.leases import already_open, claim_next, open_leases, take_slot
from annotation.models import Assignment, Lease, Project
from labelers.models import Labeler

REASON = "asked for by the program"


def claim_work(
    *, labeler: Labeler, project: Project, ahead: bool = False, at_once: int = 1
) -> Lease | None:
    """Return the next slot of the queue of `labeler`, a person or a program, as `claim_next`."""
    claim = claim_own if labeler.kind == Labeler.Kind.MODEL else claim_next
    return claim(labeler=labeler, project=project, ahead=ahead, at_once=at_once)


@transaction.atomic
def claim_own(
    *, labeler: Labeler, project: Project, ahead: bool = False, at_once: int = 1
) -> Lease | None:
    """Return what the program `labeler` is to mark next, leased; None when there is nothing now.

    A slot is made as it is asked for. What it gave back or let run out comes after the rest.
    """
    standing = lock(labeler, project)
    lease = already_open(open_leases(labeler, project), ahead=ahead, at_once=at_once)
    if lease is not None or not standing.gives_out or labeler.retired_at is not None:
        return lease
    if project.mode != Project.Mode.REVIEW:
        return None
    expire_overdue(project=project)
    slot = _next_slot(labeler, project)
    return None if slot is None else take_slot(slot, labeler, project, standing, ahead=ahead)


def _next_slot(labeler: Labeler, project: Project) -> Assignment | None:
    mine = Assignment.objects.filter(project=project, labeler=labeler)
    last = mine.aggregate(last=Max("solution"))["last"] or 0
    left = lacking(project, labeler).order_by("pk")
    # What was passed over came in by a transaction that ended late.
    solution = left.filter(pk__gt=last).first() or left.first()
    if solution is not None:
        return Assignment.objects.create(
            project=project, solution=solution, labeler=labeler, is_named=True, reason=REASON
        )
    skipped = Lease.objects.filter(
        labeler=labeler, solution=OuterRef("solution"), returns_at__gt=timezone.now()
    )
    again = mine.open().exclude(Exists(skipped)).order_by("pk")
    return again.select_for_update(of=("self",)).first()
