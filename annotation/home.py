"""What a person finds on their first page: what they hold, what waits for them, what they did."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Count, Exists, OuterRef, Q, Sum, When
from django.utils import timezone

from annotation.lists import list_projects
from annotation.models import Annotation, Assignment, Lease, Membership, Project
from labelers.models import Labeler
from web.models import User

MOST_PROJECTS = 12
MOST_COUNTED = 100
"""Of what waits: to count more would cost more than anybody wants to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MyProject:
    """A project as one of its members sees it."""

    project: Project
    can_label: bool
    waiting: int
    """Solutions that this person could take now, counted up to 100."""
    held: Lease | None
    offers_practice: bool
    """Whether this person is new to it and has not been through the practice."""

    @property
    def more_wait(self) -> bool:
        return self.waiting >= MOST_COUNTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """What a person did since midnight where they are."""

    solutions: int
    steps: int
    active: timedelta
    goal: int | None

    @property
    def reaches_goal(self) -> bool:
        return self.goal is not None and self.solutions >= self.goal


def my_projects(user: User) -> list[MyProject]:
    """Return the newest active projects of `user`, with what waits in each."""
    visible = list_projects(Project.objects.visible_to(user).active(), user)
    projects = list(visible.order_by("-pk")[:MOST_PROJECTS])
    labelled = set(Project.objects.labelled_by(user).values_list("pk", flat=True))
    waiting = _waiting(user, [project for project in projects if project.pk in labelled])
    newcomer = Membership.objects.active().filter(user=user, practised_at=None)
    new = set(newcomer.values_list("project", flat=True))
    held = {
        lease.project_id: lease
        for lease in Lease.objects.holding().filter(labeler__user=user).order_by("-pk")
    }
    return [
        MyProject(
            project=project,
            can_label=project.pk in labelled,
            waiting=waiting.get(project.pk, 0),
            held=held.get(project.pk),
            offers_practice=project.pk in labelled and project.pk in new,
        )
        for project in projects
    ]


def today(user: User) -> Today | None:
    """Return what `user` did today; None for one who has never marked anything."""
    labeler = Labeler.objects.filter(user=user).first()
    if labeler is None or not labeler.annotations.exists():
        return None
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    done = Annotation.objects.filter(labeler=labeler, submitted_at__gte=midnight)
    marked = done.in_force().aggregate(
        solutions=Count("pk", distinct=True), steps=Count("labels__rating")
    )
    active_ms = done.in_force().aggregate(ms=Sum("total_time_ms", default=0))["ms"]
    return Today(**marked, active=timedelta(milliseconds=active_ms), goal=user.daily_goal)


def _waiting(user: User, projects: Sequence[Project]) -> dict[int, int]:
    """Return how much `user` could take in each of `projects`, counted up to 100.

    A solution with several slots is taken once; in explore mode, so is a problem.
    """
    # By its id: joined to, the labeler would be looked up again for every slot.
    labeler = Labeler.objects.filter(user=user).values_list("pk", flat=True).first()
    explores = Q(project__mode=Project.Mode.EXPLORE)
    slots = Assignment.objects.open().for_people().filter(project=OuterRef("pk"))
    for of, modes in (("solution", ~explores), ("solution__problem", explores)):
        of_theirs: dict[str, Any] = {"labeler": labeler, of: OuterRef(of)}
        done = Exists(Annotation.objects.filter(**of_theirs))
        held = Exists(Lease.objects.open().filter(**of_theirs))
        skipped = Exists(Lease.objects.filter(**of_theirs, returns_at__gt=timezone.now()))
        slots = slots.exclude(modes & (done | held | skipped))
    unit = Case(When(explores, then="solution__problem_id"), default="solution_id")
    most = MOST_COUNTED * max((project.overlap for project in projects), default=1)
    units = ArraySubquery(slots.values(unit=unit)[:most])
    counted = Project.objects.filter(pk__in=[project.pk for project in projects], paused_at=None)
    found = counted.annotate(units=units).values_list("pk", "units")
    return {pk: min(len(set(units)), MOST_COUNTED) for pk, units in found}
