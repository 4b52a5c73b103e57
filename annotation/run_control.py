"""Holding a Run, ending it, letting it go on, and trying again what failed in it."""

from collections.abc import Iterable
from decimal import Decimal

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from annotation import labelling, route_runs, routing, run_pace, run_plans
from annotation.models import Project, Run
from annotation.run_pace import NotNow
from labelers.judges import JUDGES
from labelers.models import Labeler
from web.models import User


def may_be_paid_by(user: User, labeler: Labeler) -> bool:
    """Whether `user` may let `labeler` mark: engines' requests leave from the site's own workers
    and carry the site's key, which is for superusers alone."""
    judge = JUDGES.get(labeler.judge)
    return user.is_superuser or (judge is not None and not judge.needs_engine)


def may_go_on_for(user: User, run: Run) -> bool:
    """Whether `user` may let `run` do more, by the same rule as `may_be_paid_by`."""
    if run.kind != Run.Kind.LABELLING:
        return user.is_superuser or run.is_of_managers
    judge = JUDGES.get(str(run.request.get("judge")))
    return user.is_superuser or (judge is not None and not judge.needs_engine)


def check_may_go_on(user: User, run: Run) -> None:
    if not may_go_on_for(user, run):
        raise PermissionDenied


def not_payable(user: User, labelers: Iterable[str], *, known: Iterable[str] = ()) -> list[str]:
    """Return those of the named `labelers` that `user` may not have asked of an engine.

    Those that are `known` mark already.
    """
    free = Labeler.objects.programs().current().values_list("name", flat=True)
    allowed = {labeler.name for labeler in startable(user)} | {*known, *free}
    return [name for name in labelers if name not in allowed]


def startable(user: User) -> list[Labeler]:
    """Return the model labelers that `user` may let mark a project they manage, by name."""
    current = Labeler.objects.judges().current().order_by("name")
    return [labeler for labeler in current if may_be_paid_by(user, labeler)]


def start(*, project: Project, labeler: Labeler, user: User, budget: Decimal | None = None) -> Run:
    """Have `labeler` mark a project, as `labelling.request` does, for a user who may ask for that.

    Raises PermissionDenied for an engine that only superusers may ask, else NotNow.
    """
    if not may_be_paid_by(user, labeler):
        raise PermissionDenied
    check_active(project)
    return labelling.request(project=project, labeler=labeler, user=user, budget=budget)


def check_active(project: Project) -> None:
    """Raise NotNow for a project that is archived."""
    if project.archived_at is not None:
        raise NotNow(_("The project is archived."))


def _check_not_beyond_help(run: Run) -> None:
    if run.is_beyond_help:
        raise NotNow(_("The project that it copies was deleted."))


def pause(run: Run) -> None:
    """Take no more slices of `run` until it is resumed; those in work still end."""
    if not run.may_pause:
        raise NotNow(_("This run cannot be paused."))
    if not run.pause():
        raise NotNow(_("This run is not going on: there is nothing to pause."))
    run.refresh_from_db()


@transaction.atomic
def cancel(run: Run) -> None:
    """End `run`; what it made is kept, and asking for it again takes it up.

    What a model labeler leaves unmarked by it is not waited for any more.
    """
    if not run.cancel():
        raise NotNow(_("This run has ended already."))
    run_pace.end(run)
    run.refresh_from_db()


@transaction.atomic
def resume(run: Run, *, budget: Decimal | None = None) -> Run:
    """Let a stopped Run go on with what it has left, with another `budget` if one is given.

    That is all of it, also where it was only to try again what had failed. One that routes begins
    anew, by the solutions and settings of now. Raises NotNow where nothing is left, the budget is
    spent, or there is no price to keep one by.
    """
    check_active(run.project)
    routes = run.kind == Run.Kind.ROUTING
    if routes:
        Project.objects.lock(run.project_id)  # always before the Run
    locked = Run.objects.select_for_update().get(pk=run.pk)
    _check_not_beyond_help(locked)
    if locked.is_unfinished and budget is None:
        raise NotNow(_("This run is going on already."))
    if not locked.slices.unfinished().exists():
        raise NotNow(_("Nothing of this run is left to do."))
    run_pace.set_budget(locked, budget)
    if routes:
        return routing.begin_anew(locked)
    route_runs.let_go_on(locked)
    locked.settle()
    return locked


@transaction.atomic
def retry_failed(run: Run) -> Run:
    """Plan everything again that failed in `run`, also what would fail again by all we know.

    One that was stopped does only this, and is then stopped as before.
    """
    check_active(run.project)
    locked = Run.objects.select_for_update().get(pk=run.pk)
    _check_not_beyond_help(locked)
    run_pace.set_budget(locked, None)
    first = run_plans.next_number(locked)
    leaves_rest = locked.is_held and locked.slices.unfinished().exists()
    entries = run_plans.take_back_failures(locked, transient_only=False)
    if not entries:
        raise NotNow(_("Nothing of this run has failed."))
    if locked.kind == Run.Kind.LABELLING:
        labelling.plan_again(locked, entries)
    else:
        size = run_plans.largest_batch(locked)
        run_plans.add_slices(locked, run_plans.batches(entries, size), settles=False)
    if leaves_rest:
        locked.try_again(first)
    else:
        locked.settle()
    return locked
