"""Who holds which slot: claimed, extended, taken up again; `ending` says how holds end.

Locks are always taken in this order: the labeler (one claim of theirs at a time), the lease, the
project's places for slots that open again, and last the slot. Bulk changes begin with the project
itself (`routing`), which none of these lock.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, When
from django.utils import timezone

from annotation.claiming import Place, Standing, claim, held, lock
from annotation.ending import expire_overdue
from annotation.models import Annotation, Assignment, Lease, Project, Solution
from annotation.models.work import LeaseQuerySet, NotOpen
from labelers.models import Labeler

AHEAD = timedelta(minutes=2)
UNDO = timedelta(minutes=10)
MOST_AT_ONCE = 10
"""Slots that one labeler may hold of a project: what is held keeps others waiting."""


def claim_next(
    *, labeler: Labeler, project: Project, ahead: bool = False, at_once: int = 1
) -> Lease | None:
    """Return the best slot of `project` for `labeler`, leased; None when there is none now.

    Whoever already holds `at_once` slots gets the oldest of them again; what is held as a reviewer
    is of another queue. With `ahead`, one slot more is claimed for at most two minutes, so that it
    is there when it is wanted (`begin`). A paused or archived project gives out nothing new.
    """
    lease = _take(labeler, project, ahead=ahead, at_once=at_once)
    if lease is not None:
        return lease
    with transaction.atomic():
        standing = lock(labeler, project)
        mine = open_leases(labeler, project).filter(assignment__for_reviewers=False)
        lease = already_open(mine, ahead=ahead, at_once=at_once)
        if lease is not None or not standing.gives_out:
            return lease
        slot = _due_skip(labeler, project)
        if slot is not None:
            return take_slot(slot, labeler, project, standing, ahead=ahead)
        expire_overdue(project=project)
        return _take(labeler, project, ahead=ahead, at_once=at_once)


def begin(lease: Lease) -> Lease:
    """Turn a slot claimed ahead into one that is held."""
    now = timezone.now()
    until = now + timedelta(minutes=lease.project.lease_minutes)
    begun = Lease.objects.open().filter(pk=lease.pk, began_at=None)
    if begun.update(began_at=now, until=until):
        lease.began_at, lease.until = now, until
        return lease
    lease.refresh_from_db()
    if not lease.is_open:
        raise NotOpen(f"{lease} ended as {lease.outcome}")
    return lease


def extend(lease: Lease) -> bool:
    """Hold on for the project's lease time from now; False when the lease has ended."""
    until = timezone.now() + timedelta(minutes=lease.project.lease_minutes)
    extended = Lease.objects.holding().filter(pk=lease.pk).update(until=until)
    lease.until = until if extended else lease.until
    return bool(extended)


def regain(lease: Lease, *, at_most: int | None = None) -> Lease | None:
    """Return a lease that goes on from one that has ended, if its slot is still open.

    Where the labeler holds the same work again, by a new claim, that is what it goes on with.
    Whoever holds `at_most` slots regains none.
    """
    with transaction.atomic():
        standing = lock(lease.labeler, lease.project)
        open_leases = Lease.objects.open().filter(labeler=lease.labeler)
        # In the same queue: what was marked as anybody's work never becomes a reviewer's word.
        again = open_leases.filter(
            solution=lease.solution_id,
            corrects=lease.corrects_id,
            assignment__for_reviewers=lease.assignment.for_reviewers,
        ).first()
        if again is not None or _is_theirs(
            lease.labeler, _same_work(lease.project, lease.solution)
        ):
            return again
        slots = Assignment.objects.open().select_for_update().filter(pk=lease.assignment_id)
        slot = slots.first()
        if slot is None or Assignment.objects.of_another_mode().filter(pk=slot.pk).exists():
            return None
        if _holds(lease.labeler, lease.project, at_most):
            return None
        now = timezone.now()
        return _hold(
            slot,
            lease.labeler,
            standing.place,
            began_at=now,
            until=now + timedelta(minutes=lease.project.lease_minutes),
            draft=lease.draft,
            draft_version=lease.draft_version,
            draft_key=lease.draft_key,
        )


def for_draft(lease: Lease) -> Lease:
    """Return the lease to save unfinished work of `lease` on: itself, or one that goes on from it.

    Only what ran out is held again, and `MOST_AT_ONCE` at most: what was skipped or released is
    not taken back by a save that came late. It is kept where it was, as is what cannot go on.
    """
    if lease.outcome != Lease.Outcome.EXPIRED:
        return lease
    if lease.corrects is None:
        return regain(lease, at_most=MOST_AT_ONCE) or lease
    try:
        return correct(lease.corrects, goes_on_from=lease)
    except NotOpen:
        return lease


def correct(annotation: Annotation, *, goes_on_from: Lease | None = None) -> Lease:
    """Return an open lease to correct `annotation` with, which stays in force until submitted.

    It begins with the draft of `goes_on_from`, a correction that ran out, or with what was handed
    in. Raises NotOpen for work that was superseded, that was not done here, or whose project is
    archived.
    """
    before = goes_on_from or annotation.lease
    if before is None:
        raise NotOpen(f"{annotation} was not made here")
    with transaction.atomic():
        standing = lock(annotation.labeler, annotation.project)
        if annotation.project.archived_at or hasattr(annotation, "superseded_by"):
            raise NotOpen(f"{annotation} can no longer be corrected")
        theirs = Lease.objects.open().filter(labeler=annotation.labeler)
        opened = theirs.filter(solution=before.solution_id).first()
        if opened is not None and opened.corrects_id == annotation.pk and extend(opened):
            return opened
        if opened is not None and opened.corrects_id != annotation.pk:
            raise NotOpen(f"{annotation} has a solution that its labeler holds again")
        now = timezone.now()
        return _write_lease(
            before.assignment,
            annotation.labeler,
            standing.place,
            began_at=now,
            until=now + timedelta(minutes=annotation.project.lease_minutes),
            draft=before.draft,
            # Goes on from there: a tab that knows only the work before must not pass for this one.
            draft_version=before.draft_version,
            draft_key=goes_on_from.draft_key if goes_on_from else None,
            corrects=annotation,
        )


def last_submission(labeler: Labeler, project: Project) -> Annotation | None:
    """Return the annotation that an undo reopens: the last one here, for ten minutes."""
    return (
        Annotation.objects.in_force()
        .filter(labeler=labeler, project=project, submitted_at__gt=timezone.now() - UNDO)
        .exclude(lease=None)
        .order_by("-submitted_at")
        .first()
    )


def open_leases(labeler: Labeler, project: Project) -> LeaseQuerySet:
    """Return the leases of a labeler on slots, oldest first; corrections are not among them."""
    leases = Lease.objects.open().filter(pk__in=held(labeler, project), corrects=None)
    return leases.select_related("project").order_by("pk")


def _holds(labeler: Labeler, project: Project, at_most: int | None) -> bool:
    """Whether `labeler` holds `at_most` slots: never where that is None."""
    if at_most is None:
        return False
    return open_leases(labeler, project).exclude(began_at=None).count() >= at_most


def already_open(leases: LeaseQuerySet, *, ahead: bool, at_once: int = 1) -> Lease | None:
    """Return which of a labeler's open `leases` they should go on with, or None to claim more."""
    # Locked: another tab may be ending them.
    opened = list(leases.select_for_update(of=("self",)))
    holding = [lease for lease in opened if not lease.is_ahead]
    ahead_of_time = next((lease for lease in opened if lease.is_ahead), None)
    if ahead:
        return ahead_of_time
    if len(holding) >= at_once:
        # Overdue perhaps: nobody is given what the next sweep takes away.
        extend(holding[0])
        return holding[0]
    return begin(ahead_of_time) if ahead_of_time else None


def _take(labeler: Labeler, project: Project, *, ahead: bool, at_once: int) -> Lease | None:
    now = timezone.now()
    return claim(
        project=project,
        labeler=labeler,
        ahead=ahead,
        at_once=at_once,
        now=now,
        until=now + _lasts(project, ahead),
    )


def take_slot(
    slot: Assignment, labeler: Labeler, project: Project, standing: Standing, *, ahead: bool
) -> Lease:
    """Lease an open slot, locked by the caller, with the draft that its labeler had left."""
    now = timezone.now()
    return _hold(
        slot,
        labeler,
        standing.place,
        began_at=None if ahead else now,
        until=now + _lasts(project, ahead),
        **_draft_before(labeler, slot.solution_id),
    )


def _lasts(project: Project, ahead: bool) -> timedelta:
    return AHEAD if ahead else timedelta(minutes=project.lease_minutes)


def _due_skip(labeler: Labeler, project: Project) -> Assignment | None:
    """Return an open slot, locked, of what the labeler skipped long enough ago."""
    due = Lease.objects.filter(labeler=labeler, project=project, returns_at__lte=timezone.now())
    for skipped in due.select_related("solution").order_by("returns_at"):
        Lease.objects.filter(pk=skipped.pk).update(returns_at=None)
        same = _same_work(project, skipped.solution)
        if _is_theirs(labeler, same):
            continue
        slots = Assignment.objects.open().for_people().filter(**same)
        # The one that they skipped, if it is free: another may hide what they saw on it.
        skipped_first = Case(When(pk=skipped.assignment_id, then=0), default=1)
        slot = slots.select_for_update(of=("self",)).order_by(skipped_first, "pk").first()
        if slot is not None:
            return slot
    return None


def _same_work(project: Project, solution: Solution) -> dict[str, int]:
    """Return what all that counts as the same work as `solution` has in common."""
    of = project.unit_of_work
    return {of: solution.pk if of == "solution" else solution.problem_id}


def _is_theirs(labeler: Labeler, same_work: Mapping[str, int]) -> bool:
    """Whether the labeler has submitted this work or holds it."""
    # In this order: what is handed in just now is held, or else submitted already.
    is_held = Lease.objects.open().filter(labeler=labeler, **same_work).exists()
    return is_held or Annotation.objects.filter(labeler=labeler, **same_work).exists()


def _draft_before(labeler: Labeler, solution_id: int) -> dict[str, Any]:
    """Return the draft that the labeler left when they held this solution last, if ever."""
    before = Lease.objects.filter(labeler=labeler, solution=solution_id).order_by("-pk")
    kept = before.values("draft", "draft_version", "draft_key").first()
    return {**kept} if kept else {}


def _hold(
    slot: Assignment, labeler: Labeler, place: Place, *, until: datetime, **fields: Any
) -> Lease:
    """Lease an open slot, locked by the caller, to `labeler`, who has read up to `place`."""
    slot.lease_to(labeler)
    return _write_lease(slot, labeler, place, until=until, **fields)


def _write_lease(
    slot: Assignment, labeler: Labeler, place: Place, *, until: datetime, **fields: Any
) -> Lease:
    return Lease.objects.create(
        project_id=slot.project_id,
        labeler=labeler,
        solution_id=slot.solution_id,
        assignment=slot,
        until=until,
        open_before=held(labeler, slot.project),
        lane_round=place.round,
        lane_priority=place.priority,
        lane_id=place.id,
        lane_reopened=place.reopened,
        **fields,
    )
