"""The queue of reviewers: solutions on which people disagree, or a person and a sure model.

A queue of its own, short and read from its start, so that the people's queue is read as before. Its
order is that of the policy. A reviewer decides blind: the marks of others are not on the page.
"""

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from annotation.claiming import lock
from annotation.ending import expire_overdue
from annotation.leases import already_open, open_leases, take_slot
from annotation.models import Annotation, Assignment, Lease, Project
from annotation.models.work import AssignmentQuerySet
from labelers.models import Labeler


@transaction.atomic
def claim_review(*, labeler: Labeler, project: Project, ahead: bool = False) -> Lease | None:
    """Return the first solution that waits for a reviewer, leased to `labeler`, or None.

    Whoever holds one gets it again; `ahead` is as in `leases.claim_next`. Nobody reviews what they
    have marked themselves, and no program. The caller knows that `labeler` may review in `project`.
    """
    if labeler.kind == Labeler.Kind.MODEL:
        return None
    standing = lock(labeler, project)
    mine = open_leases(labeler, project).filter(assignment__for_reviewers=True)
    lease = already_open(mine, ahead=ahead)
    if lease is not None or not standing.gives_out:
        return lease
    expire_overdue(project=project)
    slots = waiting_for_review(labeler, project).order_by(F("priority") * -1.0, "pk")
    slot = slots.select_for_update(skip_locked=True, of=("self",)).first()
    if slot is None:
        return None
    return take_slot(slot, labeler, project, standing, ahead=ahead)


def waiting_for_review(labeler: Labeler, project: Project) -> AssignmentQuerySet:
    """Return the open slots that `labeler` could take as a reviewer now."""
    theirs = Annotation.objects.filter(labeler=labeler, solution=OuterRef("solution"))
    held_or_skipped = Lease.objects.filter(
        Q(ended_at=None) | Q(returns_at__gt=timezone.now()),
        labeler=labeler,
        solution=OuterRef("solution"),
    )
    slots = Assignment.objects.open().for_review().filter(project=project)
    return slots.exclude(Exists(theirs)).exclude(Exists(held_or_skipped))
