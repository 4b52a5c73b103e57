"""Slots that open again: their places in the second lane of the queue (docs/adr/0007-leases.md)."""

from collections.abc import Iterable

from django.db import connection
from django.db.models import Q

from annotation.models import Assignment, Project, Reconsideration

# Any number of our own: advisory locks are shared by the whole database.
_REOPENING = 7_305


def lock_places(project: Project) -> None:
    """Let no slot of `project` open again elsewhere until commit.

    So places become visible in the order in which they are drawn, and whoever locks several slots
    does not meet another who does. Needs a transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_REOPENING, project.pk])


def reopen(project: Project, assignment_ids: Iterable[int]) -> None:
    """Open leased slots again, at the end of the second lane. Needs a transaction.

    A slot that is not wanted any more is withdrawn instead (`open_again`). The other open
    slots of the same work go along: whoever held it has read past them, as they were not to be had
    then, and would never come by them again.
    """
    given_back = list(assignment_ids)
    if not given_back:
        return
    lock_places(project)
    slots = Assignment.objects.select_for_update(of=("self",)).order_by("pk")
    leased = slots.select_related("project").filter(pk__in=given_back)
    for slot in leased.filter(state=Assignment.State.LEASED):
        slot.open_again(_next_place())
        if slot.project.is_routed:
            Reconsideration.objects.ask_for(project, [slot.solution_id])
    others = slots.open().for_people().filter(_same_work(project, given_back), project=project)
    for slot in others.exclude(pk__in=given_back):
        slot.move_back(_next_place())


def _same_work(project: Project, assignment_ids: list[int]) -> Q:
    """Return what is true of the slots that no labeler may have beside one of these."""
    of = project.unit_of_work
    wanted = Assignment.objects.filter(pk__in=assignment_ids).values_list(of, flat=True)
    # Read first: a subquery would have the planner go through all open slots of the project.
    return Q(**{f"{of}__in": set(wanted)})


def _next_place() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('annotation_reopened_seq')")
        (place,) = cursor.fetchone()
    return int(place)
