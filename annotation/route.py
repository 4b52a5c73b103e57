"""The way of each solution: to models, to people or to a reviewer, as its project's policy says.

What brings news of a solution leaves a Reconsideration; `catch_up` takes these off, writes the
verdicts and makes, moves and withdraws open slots. What is leased or finished is left alone. Locks
are taken in the order of `leases`, with the project before its places, as in `routing`.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import inf
from time import monotonic

from django.db import transaction

from annotation import consensus, labelling, routing
from annotation.cases import cases_of, check_labelers, labelers_of
from annotation.deciding import FIRST as MARKS_FIRST
from annotation.deciding import Decision, Way, decide, priority
from annotation.findings import Case
from annotation.models import Annotation, Assignment, Project, Reconsideration, Run
from annotation.models.content import SolutionQuerySet
from annotation.models.work import AssignmentQuerySet
from annotation.policy import Policy
from annotation.reopening import lock_places
from annotation.routing import FIRST, LAST, begin_round
from annotation.run_pace import NotNow
from annotation.unmarked import LEFT
from labelers.models import Labeler
from web.models import User
from web.registry import UnknownName

log = logging.getLogger(__name__)

FOLLOWED = ("priority", "reason", "shows_marks")
A_SWEEP = 8.0
"""Seconds: less than from one sweep to the next, so that they do not pile up in the workers."""
AT_ONCE = 200
"""Solutions of one transaction: those who change the project wait no longer than for these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Where solutions would go by a policy, with the marks of today."""

    counts: Mapping[tuple[Way, str], int]
    """By way and rule."""
    seen: int
    """How many were looked at."""
    total: int

    def on(self, way: Way) -> int:
        return sum(n for (one, _), n in self.counts.items() if one == way)


@dataclass(slots=True)
class _Change:
    """What is to be done with the slots of some solutions."""

    made: list[Assignment] = field(default_factory=list)
    moved: list[Assignment] = field(default_factory=list)
    too_many: list[int] = field(default_factory=list)

    def compare(self, has: Sequence[Assignment], wanted: Sequence[Assignment]) -> None:
        """Note what brings the slots that a solution `has` in line with those that are wanted.

        Both in their order. Of too many, the newest open ones go.
        """
        still_open = [slot.pk for slot in has if slot.state == Assignment.State.OPEN]
        n_gone = max(0, len(has) - len(wanted))
        gone = set(still_open[max(0, len(still_open) - n_gone) :])
        self.too_many += gone
        self.made += wanted[len(has) :]
        kept = [slot for slot in has if slot.pk not in gone]
        for slot, like in zip(kept, wanted, strict=False):
            if slot.state == Assignment.State.OPEN and _follow(slot, like):
                self.moved.append(slot)


def _follow(slot: Assignment, like: Assignment) -> bool:
    """Give an open slot what it would have if it were made now; True where that changes it."""
    if slot.priority <= LAST or slot.priority >= FIRST:
        like.priority = slot.priority  # a manager's own
    if slot.reopened is not None:
        like.shows_marks = slot.shows_marks  # whoever held it has seen marks, or has not
    changed = [name for name in FOLLOWED if getattr(slot, name) != getattr(like, name)]
    for name in changed:
        setattr(slot, name, getattr(like, name))
    return bool(changed)


def look_again(project: Project, user: User | None = None) -> Run:
    """Open the Run that has every solution looked at again whose verdicts or way may differ now."""
    return routing.request(project=project, user=user, looks_again=True, gives_out=False)


def end(project: Project) -> Run:
    """Open the Run that brings a project whose policy was taken away to what its overlap says.

    Open slots for reviewers are withdrawn. Needs a transaction, and the project locked.
    """
    review = Assignment.objects.open().for_review().filter(project=project)
    lock_places(project)
    review.update(state=Assignment.State.WITHDRAWN)
    people = Assignment.objects.open().for_people().filter(project=project)
    people.filter(reopened=None).update(shows_marks=False)
    return routing.request(project=project)


def catch_up_everywhere(*, seconds: float = A_SWEEP) -> int:
    """Route what waits to be looked at for about `seconds`; return how many solutions that were.

    Projects come in any order and share the time equally; what one does not need goes to the
    others. What is wrong in one is logged, and keeps no other waiting; nor does a long import into
    it.
    """
    routed, until, done_with = 0, monotonic() + seconds, set[int]()
    while True:
        waiting = Reconsideration.objects.exclude(project__in=done_with).values("project")
        projects = list(Project.objects.filter(pk__in=waiting.distinct()).order_by("?"))
        for place, project in enumerate(projects):
            share = (until - monotonic()) / (len(projects) - place)
            try:
                n_routed = catch_up(project=project, seconds=share, waits=False)
            except Exception:
                log.exception("the solutions of %s could not be routed", project.slug)
                n_routed = 0
            routed += n_routed
            if not n_routed:
                done_with.add(project.pk)
        if not projects or monotonic() >= until:
            return routed


def catch_up(*, project: Project, seconds: float = inf, waits: bool = True) -> int:
    """Write the verdicts on the solutions of `project` of which there is news, and route them.

    Return how many they were. Model labelers that mark first are given those that they have not had
    yet. After `seconds` the rest is left for the next time; so is all of it where somebody else has
    the project locked, unless this `waits`.
    """
    routed, until = 0, monotonic() + seconds
    while monotonic() < until and (some := _route_some(project, waits=waits)) is not None:
        routed += some
    return routed


def preview(*, project: Project, policy: Policy, at_most: int | None = None) -> Preview:
    """Say where the written solutions of `project` would go by `policy`; nothing is written.

    Of the oldest `at_most` of them, where that is given. Raises BadPolicy where `policy` names a
    labeler that there is not.
    """
    check_labelers(policy)
    written = project.solutions.written()
    names, counts = labelers_of(policy), Counter[tuple[Way, str]]()
    ids = written.order_by("pk").values_list("pk", flat=True)[:at_most].iterator()
    while batch := list(islice(ids, 10 * AT_ONCE)):
        shown = _for_practice(batch)
        cases = cases_of(written.filter(pk__in=batch), names, first=policy.first)
        for pk, case in cases.items():
            decision = _unless_practice(decide(policy, case), is_shown=pk in shown)
            counts[decision.way, decision.rule] += 1
    return Preview(counts=counts, seen=counts.total(), total=written.count())


@transaction.atomic
def _route_some(project: Project, *, waits: bool) -> int | None:
    """Route a batch; return how many that were, None when no solution can be looked at now."""
    try:
        project = Project.objects.lock(project.pk, skips=not waits)
    except Project.DoesNotExist:
        return None
    rows = Reconsideration.objects.filter(project=project).order_by("pk")
    waiting = dict(rows.values_list("pk", "solution")[:AT_ONCE])
    if not waiting:
        return None
    Reconsideration.objects.filter(pk__in=waiting).delete()
    # The news came with the rows just read: what is read from here on knows it.
    return _look_at(project, project.solutions.filter(pk__in=set(waiting.values())))


def _look_at(project: Project, solutions: SolutionQuerySet) -> int:
    """Write the verdicts on `solutions` and route them; return how many they are."""
    policy = consensus.policy_of(project)
    names = labelers_of(policy)
    cases = cases_of(solutions.order_by("pk"), names, first=policy.first)
    shown = _for_practice(cases)
    decisions = {
        pk: _unless_practice(decide(policy, case), is_shown=pk in shown)
        for pk, case in cases.items()
    }
    consensus.keep({pk: decision.agreed for pk, decision in decisions.items()})
    if project.is_routed and project.archived_at is None:
        # What somebody built step by step goes to nobody else.
        written = set(solutions.written().values_list("pk", flat=True))
        decisions = {pk: one for pk, one in decisions.items() if pk in written}
        _bring_in_line(project, policy, cases, decisions)
        # Here, so that none is forgotten whose news was just taken off.
        _ask_models(project, policy, names, cases, decisions)
    return len(cases)


def _ask_models(
    project: Project,
    policy: Policy,
    names: Mapping[int, str],
    cases: Mapping[int, Case],
    decisions: Mapping[int, Decision],
) -> None:
    """Have the models that mark first mark what waits for them."""
    to_models = [pk for pk, decision in decisions.items() if decision.way == Way.MODELS]
    missing = _not_asked(policy, names, {pk: cases[pk] for pk in to_models})
    # Programs ask by themselves.
    for labeler in Labeler.objects.judges().current().filter(name__in=missing).order_by("pk"):
        try:
            run = labelling.request(
                project=project, labeler=labeler, reason=MARKS_FIRST, resumes=False
            )
        except (NotNow, UnknownName):
            log.exception("%s could not be asked to mark %s", labeler.name, project.slug)
            continue
        if run.state in LEFT:
            Reconsideration.objects.ask_for(project, to_models)


def _bring_in_line(
    project: Project, policy: Policy, cases: Mapping[int, Case], decisions: Mapping[int, Decision]
) -> None:
    """Make, move and withdraw the open slots for people and reviewers as was decided."""
    lock_places(project)
    slots, change = _slots(decisions), _Change()
    for pk, decision in decisions.items():
        case = cases[pk]
        slot = {"project": project, "solution_id": pk, "priority": priority(policy.order, case)}
        for_people = [
            Assignment(
                **slot,
                reason=decision.people_rule,
                shows_marks=policy.shows_marks(f"{case.key}:{place}"),
            )
            for place in range(decision.people or 0)
        ]
        for_review = Assignment(**slot, reason=decision.rule, is_named=True, for_reviewers=True)
        if decision.people is not None:
            change.compare(slots[pk, False], for_people)
        change.compare(slots[pk, True], [for_review] if decision.way == Way.REVIEWER else [])
    _write(project, change)


def _write(project: Project, change: _Change) -> None:
    still_open = Assignment.objects.open()
    still_open.filter(pk__in=change.too_many).update(state=Assignment.State.WITHDRAWN)
    # Those alone that nobody has claimed meanwhile: they stay as they were given out.
    moving = [slot.pk for slot in change.moved]
    locked = still_open.select_for_update().filter(pk__in=moving).order_by("pk")
    free = set(locked.values_list("pk", flat=True))
    moved = [slot for slot in change.moved if slot.pk in free]
    Assignment.objects.bulk_update(moved, FOLLOWED)
    Assignment.objects.bulk_create(change.made)
    if any(not slot.is_named for slot in [*change.made, *moved]):
        begin_round(project)


def _slots(solutions: Mapping[int, Decision]) -> Mapping[tuple[int, bool], list[Assignment]]:
    """Return the slots that count, by solution and whether they are for reviewers, oldest first."""
    counted: AssignmentQuerySet = Assignment.objects.counted().filter(solution__in=solutions)
    slots: dict[tuple[int, bool], list[Assignment]] = defaultdict(list)
    for slot in (counted.for_people() | counted.for_review()).order_by("pk"):
        slots[slot.solution_id, slot.for_reviewers].append(slot)
    return slots


def _not_asked(policy: Policy, names: Mapping[int, str], solutions: Mapping[int, Case]) -> set[str]:
    """Return the labelers that mark first, but have not marked nor were asked for all these."""
    slots = Assignment.objects.filter(solution__in=solutions, labeler__in=names)
    asked = {(pk, names[labeler]) for pk, labeler in slots.values_list("solution", "labeler")}
    return {
        name
        for pk, case in solutions.items()
        for name in policy.first
        if case.by(name) is None and (pk, name) not in asked
    }


def _for_practice(solutions: Sequence[int] | Mapping[int, Case]) -> set[int]:
    """Return those of `solutions` that newcomers practise on: they go to nobody."""
    shown = Annotation.objects.for_practice().filter(solution__in=list(solutions))
    return set(shown.values_list("solution", flat=True))


def _unless_practice(decision: Decision, *, is_shown: bool) -> Decision:
    if not is_shown:
        return decision
    return Decision(
        way=Way.NOBODY, rule="practice", people=0, people_rule="", agreed=decision.agreed
    )
