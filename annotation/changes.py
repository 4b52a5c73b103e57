"""Changing a project: its settings, its guidelines, whether it gives out work, its life.

Whoever saves says what they had seen, so that nobody undoes another's change without knowing.
Marks are never touched, and what people hold stays in their hands.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import route, route_runs, routing
from annotation.cases import check_labelers
from annotation.digests import digest
from annotation.models import Annotation, Assignment, Lease, Membership, Project, Run
from annotation.policy import Policy
from annotation.run_pace import NotNow
from labelers.models import Labeler
from web.models import User

SETTINGS = (
    "name", "mode", "overlap", "queue_order", "lease_minutes", "skip_minutes", "idle_minutes",
    "show_reference_answer", "stop_at_first_error", "ask_critique", "ask_progress",
    "ask_alternatives", "allow_rest_great", "candidates", "drawing",
)  # fmt: skip


class ChangedMeanwhile(ValueError):
    """Somebody else has saved since: `fields` names what differs from what was seen."""

    def __init__(self, project: Project, fields: list[str]) -> None:
        super().__init__(", ".join(fields))
        self.project = project
        self.fields = fields


class InUse(ValueError):
    """The way of marking cannot change: something is marked already, or in somebody's hands."""


def settings_of(project: Project) -> dict[str, Any]:
    return {name: getattr(project, name) for name in SETTINGS}


def mode_is_fixed(project: Project) -> bool:
    """Whether marks of the present mode, in a draft even, or a hold forbid another one."""
    drafted_or_held = Q(draft_version__gt=0) | Q(ended_at=None)
    return (
        Annotation.objects.filter(project=project).exists()
        or Lease.objects.filter(drafted_or_held, project=project).exists()
    )


@transaction.atomic
def change_settings(
    *, project: Project, seen: Mapping[str, Any], wanted: Mapping[str, Any], user: User
) -> Run | None:
    """Set the `wanted` settings; return the Run in which the queue follows, where it has to.

    With another mode the project gives out nothing before all slots of the former one are
    withdrawn. Raises ChangedMeanwhile where the project's settings are not those `seen`, InUse for
    another mode of a project at work; nothing is changed then.
    """
    locked = Project.objects.lock(project.pk)
    _check_unchanged(locked, seen)
    before = settings_of(locked)
    for name, value in wanted.items():
        setattr(locked, name, value)
    changed = [name for name in SETTINGS if before[name] != getattr(locked, name)]
    locked.save(update_fields=changed)
    run = _follow(locked, changed, user)
    if "mode" in changed:
        _check_nobody_has_begun(locked)
    return run


def _check_unchanged(project: Project, seen: Mapping[str, Any]) -> None:
    differing = [name for name in seen if getattr(project, name) != seen[name]]
    if differing:
        raise ChangedMeanwhile(project, differing)


def _follow(project: Project, changed: list[str], user: User) -> Run | None:
    """Have the slots follow changed settings; None where there are none to follow them."""
    slots = Assignment.objects.for_people().filter(project=project)
    if "mode" in changed:
        if not slots.open().exists():
            is_news = project.is_routed or project.annotations.exists()
            return route.look_again(project, user) if is_news else None
        now = timezone.now()
        pauses = Project.objects.filter(pk=project.pk, paused_at=None).update(paused_at=now)
        return routing.request(
            project=project, user=user, ends_pause=now if pauses else None, looks_again=True
        )
    if project.is_routed:
        return None
    run = route.look_again(project, user) if "overlap" in changed else None
    if not {"overlap", "queue_order"}.isdisjoint(changed) and slots.exists():
        return routing.request(project=project, user=user)
    return run


def _check_nobody_has_begun(project: Project) -> None:
    """Raise InUse if anybody has; until commit nobody begins."""
    # Every claim locks its labeler first: one that was earlier has its lease by now, one that has
    # to wait finds the project paused. The last lock, and short: others' claims wait as well.
    list(Labeler.objects.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    if mode_is_fixed(project):
        raise InUse(project.mode)


@transaction.atomic
def change_policy(*, project: Project, seen: Mapping[str, Any], policy: Policy | None) -> Run:
    """Set where a project's solutions go; return the Run that has all of them looked at again.

    None: all goes to people, as the overlap says. Raises ChangedMeanwhile where the policy is not
    the one `seen`, BadPolicy where it names a labeler that there is not.
    """
    if policy is not None:
        check_labelers(policy)
    locked = Project.objects.lock(project.pk)
    if locked.routing != seen:
        raise ChangedMeanwhile(locked, ["routing"])
    locked.routing = policy.as_json() if policy else {}
    locked.save(update_fields=["routing"])
    route_runs.follow(locked)
    if policy is None:
        route.end(locked)
    return route.look_again(locked)


@transaction.atomic
def change_guidelines(*, project: Project, seen: str, wanted: str) -> None:
    """Set a project's guidelines. `seen` is the digest of those that were on the page.

    Raises ChangedMeanwhile where others are in force.
    """
    locked = Project.objects.lock(project.pk)
    if str(digest(locked.guidelines)) != seen:
        raise ChangedMeanwhile(locked, ["guidelines"])
    Project.objects.filter(pk=project.pk).update(guidelines=wanted)


def pause(project: Project) -> None:
    """Give out nothing new. What people hold they may still finish."""
    Project.objects.filter(pk=project.pk, paused_at=None).update(paused_at=timezone.now())


@transaction.atomic
def resume(project: Project) -> None:
    """Give out work again. Raises NotNow while slots of a former way of marking are open."""
    Project.objects.lock(project.pk)
    if project.assignments.open().of_another_mode().exists():
        raise NotNow(_("Slots of the former way of marking are still open: route first."))
    Project.objects.filter(pk=project.pk).update(paused_at=None)


def archive(project: Project) -> None:
    """Put a project away: it gives out nothing, asks no engine, and leaves the current ones."""
    Project.objects.filter(pk=project.pk, archived_at=None).update(archived_at=timezone.now())
    for run in Run.objects.unfinished().filter(project=project, kind__in=Run.PATIENT):
        run.pause()


@transaction.atomic
def restore(project: Project) -> None:
    """Take an archived project up again, and route what has been marked meanwhile."""
    Project.objects.filter(pk=project.pk).update(archived_at=None)
    if project.is_routed:
        route.look_again(project)


@transaction.atomic
def create_project(*, user: User, slug: str, name: str, mode: str) -> Project:
    """Make an empty project whose manager is `user`."""
    project = Project.objects.create(slug=slug, name=name, mode=mode)
    Membership.objects.create(project=project, user=user, role=Membership.Role.MANAGER)
    return project
