"""Why there is nothing for a labeler now, told as it is."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, Min, OuterRef, Q
from django.utils import timezone

from annotation.models import Annotation, Assignment, Lease, Project
from labelers.models import Labeler


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Why there is nothing for a labeler now, in numbers of solutions."""

    reserved: int
    """In other people's hands, so that they may yet come back."""
    reserved_until: datetime | None
    """When the first of these runs out."""
    skipped: int
    """Skipped by this labeler and still open."""
    returns_at: datetime | None
    """When the first of these comes back to them."""
    was_given_out: bool
    """Whether people were ever given anything of the project, to mark or to review."""


def waiting_for(labeler: Labeler, project: Project, *, for_review: bool = False) -> Waiting:
    """Say what may still come to a labeler for whom there is nothing now, in one of two queues."""
    of = project.unit_of_work
    done = Annotation.objects.filter(labeler=labeler, **{of: OuterRef(of)})
    slots = Assignment.objects.open()
    queue = slots.for_review() if for_review else slots.for_people()
    still_open = queue.filter(**{of: OuterRef(of)})
    reserved = (
        Lease.objects.open()
        .filter(project=project, corrects=None, assignment__for_reviewers=for_review)
        .exclude(Q(labeler=labeler) | Exists(done))
    )
    skipped = (
        Lease.objects.filter(labeler=labeler, project=project, returns_at__gt=timezone.now())
        .filter(Exists(still_open))
        .exclude(Exists(done))
    )
    return Waiting(
        reserved=reserved.values("solution").distinct().count(),
        reserved_until=reserved.aggregate(at=Min("until"))["at"],
        skipped=skipped.values("solution").distinct().count(),
        returns_at=skipped.aggregate(at=Min("returns_at"))["at"],
        was_given_out=labeler.kind == Labeler.Kind.MODEL or was_given_out(project),
    )


def was_given_out(project: Project) -> bool:
    """Whether there is any slot of work for people, open or not."""
    slots = Assignment.objects.filter(project=project)
    return slots.filter(Q(is_named=False) | Q(for_reviewers=True)).exists()
