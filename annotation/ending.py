"""How holds of slots end, other than by finished work: given back, or run out.

Locks are taken in the order that `leases` names.
"""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotation.models import Lease, Project
from annotation.reopening import reopen
from labelers.models import Labeler


def release(lease: Lease) -> bool:
    """Give a slot back; False when the lease had ended already."""
    return _give_back(lease, Lease.Outcome.RELEASED)


def skip(lease: Lease) -> bool:
    """Give a slot back, not to see its solution again for the project's skip time."""
    if lease.corrects_id is not None:  # It was submitted: it never comes back.
        return _give_back(lease, Lease.Outcome.SKIPPED)
    returns_at = timezone.now() + timedelta(minutes=lease.project.skip_minutes)
    return _give_back(lease, Lease.Outcome.SKIPPED, returns_at=returns_at)


def release_all(*, labeler: Labeler, project: Project, for_review: bool = False) -> int:
    """Give back all that `labeler` holds in `project`, or only `for_review`; return how much."""
    with transaction.atomic():
        # All of them before the places, which stay locked: whoever ends one locks it first, too.
        mine = Lease.objects.open().filter(labeler=labeler, project=project)
        if for_review:
            mine = mine.filter(assignment__for_reviewers=True)
        released = list(mine.select_for_update(of=("self",)).order_by("pk"))
        for lease in released:
            lease.end(Lease.Outcome.RELEASED)
        reopen(project, [one.assignment_id for one in released if one.corrects_id is None])
    return len(released)


def expire_overdue(*, project: Project, limit: int = 100) -> int:
    """Open the slots again whose lease has run out; return how many."""
    with transaction.atomic():
        overdue = list(
            Lease.objects.overdue()
            .filter(project=project)
            .select_for_update(skip_locked=True)
            .order_by("assignment")[:limit]
        )
        for lease in overdue:
            lease.end(Lease.Outcome.EXPIRED)
        reopen(project, [one.assignment_id for one in overdue if one.corrects_id is None])
    return len(overdue)


def expire_everywhere() -> int:
    """Open every slot again whose lease has run out; return how many."""
    overdue = Lease.objects.overdue().values("project").distinct()
    return sum(
        expire_overdue(project=project) for project in Project.objects.filter(pk__in=overdue)
    )


def _give_back(lease: Lease, outcome: Lease.Outcome, **fields: Any) -> bool:
    with transaction.atomic():
        held = Lease.objects.open().select_for_update().filter(pk=lease.pk).first()
        if held is None:
            return False
        held.end(outcome, **fields)
        if held.corrects_id is None:
            reopen(held.project, [held.assignment_id])
    return True
