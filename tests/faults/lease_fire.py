"""Sixteen processes that label at random, and die at random, over one database.

It runs inside a Stepmark of its own (tests/place.py): `supervise` keeps the processes alive for a
while. Each writes what it was told into a file of its own, before and after it hands anything in.
"""

import json
import os
import random
import signal
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

from django.db import connection, connections, transaction
from django.utils import timezone

from annotation import drafts, ending, leases, routing
from annotation.drafts import Draft, Mark
from annotation.handing_in import hand_in
from annotation.models import Annotation, Assignment, Lease, Project, Step
from annotation.models.work import NotOpen
from labelers.models import Labeler
from labelers.registration import labeler_of
from tests.factories import make_problem, make_project, make_solution, make_user

PROCESSES = 16
LABELERS = 10
STEPS = 3
SOLUTIONS_A_SECOND = 10
"""About as many as the processes can mark in that time."""
WIDE, NARROW = "wide", "narrow"
NARROW_SOLUTIONS = 30


def make_work(seconds: float) -> None:
    """Make a project that lasts and one that soon has nothing left, and who labels in them."""
    with transaction.atomic():
        for slug, overlap, solutions, skip_minutes in (
            (WIDE, 3, int(seconds * SOLUTIONS_A_SECOND), 30),
            (NARROW, 2, NARROW_SOLUTIONS, 0),
        ):
            project = make_project(slug, overlap=overlap, skip_minutes=skip_minutes)
            problem = make_problem(project)
            for number in range(solutions):
                make_solution(problem, [f"Step {step} of {number}." for step in range(STEPS)])
            routing.route(project=project)
        for _ in range(LABELERS):
            someone()


def someone() -> Labeler:
    return labeler_of(make_user(str(uuid4())))


def supervise(folder: Path, seconds: float) -> None:
    """Keep the processes at work for `seconds`, killing one now and then, and let them end."""
    chance = random.Random()
    folder.mkdir()
    until = time.monotonic() + seconds
    running = {_fork(folder, slot, until): slot for slot in range(PROCESSES)}
    killed = died = 0
    kill_at = time.monotonic()
    while running:
        pid, _ = os.waitpid(-1, os.WNOHANG)
        if pid:
            slot = running.pop(pid)
            if time.monotonic() < until:
                died += 1
                running[_fork(folder, slot, until)] = slot
            continue
        if kill_at < time.monotonic() < until:
            os.kill(chance.choice(list(running)), signal.SIGKILL)
            killed += 1
            kill_at = time.monotonic() + chance.uniform(0.3, 1.2)
        time.sleep(0.01)
    (folder / "deaths.json").write_text(json.dumps({"killed": killed, "died": died}))


def _fork(folder: Path, slot: int, until: float) -> int:
    connections.close_all()
    pid = os.fork()
    if pid == 0:
        with (folder / f"said-{slot}.jsonl").open("ab", buffering=0) as said:
            _work(said.write, until)
        os._exit(0)
    return pid


def _work(write: Callable[[bytes], object], until: float) -> None:
    try:
        Hand(write).work(until)
    except Exception:  # noqa: BLE001 - whatever it is, the test fails with it
        write(json.dumps(["failed", traceback.format_exc()]).encode() + b"\n")


class Hand:
    """One process: at every turn another labeler, another project, another thing to do."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._chance = random.Random()
        self._labelers = list(Labeler.objects.filter(kind=Labeler.Kind.PERSON))
        self._projects = list(Project.objects.all())

    def work(self, until: float) -> None:
        turns = (
            (self._claim, 30),
            (self._claim_ahead, 8),
            (partial(self._end, ending.release), 5),
            (partial(self._end, ending.skip), 5),
            (partial(self._end, leases.extend), 5),
            (self._end_all, 2),
            (self._reorder, 2),
            (self._save_draft, 8),
            (self._submit, 25),
            (self._run_out, 8),
            (self._submit_late, 8),
            (self._correct, 6),
            (self._submit_again, 4),
        )
        names, weights = [turn for turn, _ in turns], [weight for _, weight in turns]
        while time.monotonic() < until:
            (turn,) = self._chance.choices(names, weights)
            try:
                if self._chance.random() < 0.01:
                    self._die_in_the_middle(turn)
                turn()
            except Exception:  # noqa: BLE001 - whatever it is, the test fails with it
                self._say("failed", traceback.format_exc())

    def _die_in_the_middle(self, turn: Callable[[], None]) -> None:
        """Be gone after one statement or another, some of which no commit follows."""
        left = self._chance.randint(1, 10)

        def dying(execute: Callable[..., object], *args: object) -> object:
            nonlocal left
            left -= 1
            done = execute(*args)
            if left == 0:
                os._exit(1)
            return done

        with connection.execute_wrapper(dying):
            turn()
        os._exit(1)

    def _say(self, *words: object) -> None:
        self._write(json.dumps(words).encode() + b"\n")

    def _anyone(self) -> tuple[Labeler, Project]:
        return self._chance.choice(self._labelers), self._chance.choice(self._projects)

    def _open_lease(self) -> Lease | None:
        labeler, project = self._anyone()
        held = Lease.objects.open().filter(labeler=labeler, project=project)
        return held.select_related("project", "labeler", "solution").order_by("?").first()

    def _claim(self) -> None:
        labeler, project = self._anyone()
        leases.claim_next(labeler=labeler, project=project, at_once=self._chance.randint(1, 4))

    def _claim_ahead(self) -> None:
        labeler, project = self._anyone()
        leases.claim_next(labeler=labeler, project=project, ahead=True)

    def _end(self, how: Callable[[Lease], object]) -> None:
        lease = self._open_lease()
        if lease is not None:
            how(lease)

    def _end_all(self) -> None:
        labeler, project = self._anyone()
        # As part of something larger, as where a membership ends.
        with transaction.atomic():
            ending.release_all(labeler=labeler, project=project)

    def _reorder(self) -> None:
        _, project = self._anyone()
        some = list(project.solutions.order_by("?").values_list("pk", flat=True)[:5])
        priority = self._chance.choice([routing.FIRST, routing.LAST, None])
        solutions = project.solutions.filter(pk__in=some)
        routing.prioritise(project=project, solutions=solutions, priority=priority)

    def _save_draft(self) -> None:
        lease = self._open_lease()
        if lease is not None:
            # Stale: another process saved first.
            with suppress(drafts.Stale):
                drafts.save(lease, self._draft(lease), based_on=lease.draft_version, key=uuid4())

    def _submit(self) -> None:
        lease = self._open_lease()
        if lease is not None:
            self._hand_in(lease)

    def _submit_late(self) -> None:
        labeler, project = self._anyone()
        ended = Lease.objects.filter(labeler=labeler, project=project, outcome="expired")
        lease = ended.select_related("project", "labeler", "solution").order_by("?").first()
        if lease is not None:
            self._hand_in(lease)

    def _submit_again(self) -> None:
        labeler, project = self._anyone()
        done = Lease.objects.filter(labeler=labeler, project=project, outcome="submitted")
        lease = done.select_related("project", "labeler", "solution").order_by("-pk").first()
        if lease is not None:
            self._hand_in(lease)

    def _correct(self) -> None:
        annotation = leases.last_submission(*self._anyone())
        if annotation is None:
            return
        try:
            lease = leases.correct(annotation)
        except NotOpen:
            return  # Corrected by another process, just now.
        if self._chance.random() < 0.7:
            self._hand_in(lease)

    def _run_out(self) -> None:
        lease = self._open_lease()
        if lease is not None:
            past = timezone.now() - timedelta(seconds=1)
            Lease.objects.filter(pk=lease.pk).update(until=past)
        if self._chance.random() < 0.5:
            ending.expire_everywhere()

    def _hand_in(self, lease: Lease) -> None:
        self._say("trying", lease.pk)
        try:
            done = hand_in(lease, self._draft(lease))
        except NotOpen:
            self._say("refused", lease.pk)
            return
        self._say("done", lease.pk, done.annotation.pk, done.is_new)

    def _draft(self, lease: Lease) -> Draft:
        steps = Step.objects.filter(solution=lease.solution_id).values_list("pk", flat=True)
        return Draft(marks={step: Mark(rating=1) for step in steps})


def drain() -> int:
    """Claim all that is open, each slot by somebody who never labelled; return how many."""
    Lease.objects.open().update(until=timezone.now() - timedelta(seconds=1))
    while ending.expire_everywhere():
        pass
    given = 0
    for project in Project.objects.all():
        while True:
            labeler = someone()
            at_once = 0
            while leases.claim_next(labeler=labeler, project=project, at_once=at_once + 1):
                at_once += 1
                if at_once == 40:
                    break
            if not at_once:
                break
            given += at_once
    return given


def summary() -> dict[str, int]:
    """Count what happened, so that nobody believes a fire that did not burn."""
    return {
        "leases": Lease.objects.count(),
        "annotations": Annotation.objects.count(),
        "surplus": Annotation.objects.filter(is_surplus=True).count(),
        "corrections": Annotation.objects.exclude(supersedes=None).count(),
        **{
            outcome: Lease.objects.filter(outcome=outcome).count()
            for outcome in Lease.Outcome.values
        },
        "open_slots": Assignment.objects.open().count(),
    }
