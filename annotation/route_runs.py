"""Labelling runs that the route began: they end when no policy asks for them, and come back.

A run that somebody asked for by hand is theirs, and is left alone; so is one that they resume
though no policy asks for it.
"""

import logging
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from annotation import consensus, events, routing
from annotation.models import Project, Run
from annotation.policy import BadPolicy, Policy
from labelers.models import Labeler

log = logging.getLogger(__name__)

ROUTE = "route"
"""In the request of a Run that the route began: whether it WANTS it, or has DROPPED it."""
WANTS, DROPPED = "wants", "dropped"
NOT_ASKED = "the project’s policy no longer has it mark first"
REPLACED = "the labeler was replaced or retired"

_MAY_END = Q(request__route=WANTS, state__in=[Run.State.QUEUED, Run.State.RUNNING])
_MAY_COME_BACK = Q(request__route=DROPPED, state=Run.State.CANCELLED)
_MAY_BE_SUCCEEDED = Q(request__route=WANTS, state__in=[Run.State.FINISHED, Run.State.PAUSED])


def leave_to_route(run: Run) -> None:
    """Note that the route began a locked Run."""
    _note(run, WANTS)


def leave_to_people(run: Run) -> None:
    """Note that somebody wants a locked Run, whatever policies say."""
    if ROUTE in run.request:
        _note(run, None)


def let_go_on(run: Run) -> None:
    """Note that somebody has a locked Run go on; it is theirs where no policy asks for it."""
    if ROUTE in run.request and _reason_to_end(run, _policy_of(run.project), _current([run])):
        leave_to_people(run)


def follow_everywhere() -> int:
    """End what no policy asks for, let go on what one asks for again; return how many runs.

    What is wrong in one project is logged, and keeps no other waiting; nor does whoever has it
    locked.
    """
    projects = Project.objects.active().filter(pk__in=_in_question().values("project"))
    followed = 0
    for project in projects:
        try:
            followed += follow(project, waits=False)
        except Exception:
            log.exception("the runs of %s could not follow its policy", project.slug)
    return followed


@transaction.atomic
def follow(project: Project, *, waits: bool = True) -> int:
    """Bring the runs that the route began in a project in line with its policy; return how many.

    Where the labeler of one was replaced all solutions are looked at again, so that its successor
    is asked. Where somebody else has the project locked nothing is done, unless this `waits`.
    """
    try:
        project = Project.objects.lock(project.pk, skips=not waits)
    except Project.DoesNotExist:
        return 0
    ours = _in_question().filter(project=project)
    runs = list(ours.select_for_update().order_by("pk"))
    policy, current = _policy_of(project), _current(runs)
    ended, back = [], []
    for run in runs:
        why, is_wanted = _reason_to_end(run, policy, current), run.request[ROUTE] == WANTS
        if why and is_wanted:
            _note(run, DROPPED)
            if run.is_unfinished:
                run.cancel(why)
                events.run_ended(run)
            ended.append(why)
        elif not (why or is_wanted or policy is None or run.is_over_budget):
            _note(run, WANTS)
            run.settle()
            back.append(run)
    if REPLACED in ended:
        routing.request(project=project)
    return len(ended) + len(back)


def _in_question() -> QuerySet[Run]:
    """Return the labelling runs that may have to end, come back, or have a successor asked."""
    machines = Labeler.objects.machines().current().annotate(as_text=Cast("uuid", TextField()))
    asked = KeyTextTransform("labeler", "request")
    labelling = Run.objects.filter(kind=Run.Kind.LABELLING).alias(labeler_uuid=asked)
    is_replaced = ~Exists(machines.filter(as_text=OuterRef("labeler_uuid")))
    return labelling.filter(_MAY_END | _MAY_COME_BACK | _MAY_BE_SUCCEEDED & Q(is_replaced))


def _note(run: Run, value: str | None) -> None:
    others = {key: one for key, one in run.request.items() if key != ROUTE}
    run.request = others if value is None else {**others, ROUTE: value}
    run.save(update_fields=["request"])


def _policy_of(project: Project) -> Policy | None:
    """Return the policy of a project, None for one that cannot be read: the next sweep says so."""
    try:
        return consensus.policy_of(project)
    except BadPolicy:
        return None


def _current(runs: Iterable[Run]) -> set[str]:
    """Return the UUIDs, as requests have them, of those labelers that were not replaced."""
    asked = [run.request["labeler"] for run in runs]
    current = Labeler.objects.machines().current().filter(uuid__in=asked)
    return {str(uuid) for uuid in current.values_list("uuid", flat=True)}


def _reason_to_end(run: Run, policy: Policy | None, current: set[str]) -> str:
    """Return why the route does not ask for a Run; nothing where it does, or cannot be read."""
    if policy is None:
        return ""
    if run.request["name"] not in policy.first:
        return NOT_ASKED
    return "" if run.request["labeler"] in current else REPLACED
