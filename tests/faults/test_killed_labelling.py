"""Labelling by several judges, killed: every solution gets one annotation of each, and no more."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from annotation.models import RunSlice
from tests.place import Stepmark, kill_group, stepmark

pytestmark = pytest.mark.slow

SOLUTIONS = 16
JUDGES = 3
WHOLE = f"({JUDGES * SOLUTIONS}, {JUDGES * SOLUTIONS}, ['finished'])"
STANDING = (
    "(Annotation.objects.count(),"
    " Annotation.objects.values('labeler', 'solution').distinct().count(),"
    " sorted(set(Run.objects.values_list('state', flat=True))))"
)
COUNTS = "sorted(Run.objects.values_list('total', 'done', 'failed'))"
NOW = "__import__('django.utils.timezone').utils.timezone.now()"
JUST_TAKEN = (
    "RunSlice.objects.working().filter(lease_until__gt="
    f"{NOW} + RunSlice.LEASE - __import__('datetime').timedelta(seconds=0.5)).exists()"
)
HELD = "sorted(RunSlice.objects.filter(state='working').values_list('pk', flat=True))"
TAKEN_AGAIN = "sorted(RunSlice.objects.filter(attempt=2).values_list('pk', flat=True))"


CLEAR = (
    "from annotation.models import *; Annotation.objects.all().delete();"
    " Assignment.objects.all().delete(); Run.objects.all().delete()"
)


@pytest.fixture(scope="module")
def stepmark_at_work(migrated_home: Path) -> Iterator[Stepmark]:
    with stepmark(made=migrated_home) as place:
        place.make_project("faults")
        place.manage_code(f"from tests.faults.slow_judges import *; make_solutions({SOLUTIONS})")
        place.start_clock()
        yield place


@pytest.fixture
def place(stepmark_at_work: Stepmark) -> Iterator[Stepmark]:
    """A Stepmark of which no solution is marked yet, and a worker."""
    stepmark_at_work.manage_code(CLEAR)
    worker = start_worker(stepmark_at_work)
    yield stepmark_at_work
    kill_group(worker)


def start_worker(place: Stepmark) -> "subprocess.Popen[bytes]":
    return place.start_worker(processes=2, include="tests.faults.slow_judges")


def mark_half(place: Stepmark) -> None:
    """Return as soon as something is marked."""
    place.manage_code("from tests.faults.slow_judges import *; mark_everything()")
    place.wait_until(lambda: marked(place) > 0, what="progress")


def marked(place: Stepmark) -> int:
    """Return how many annotations there are, while there are still some to make."""
    count = int(place.query("Annotation.objects.count()"))
    assert count < JUDGES * SOLUTIONS, "nothing was left to kill"
    return count


def assert_ends_whole(place: Stepmark) -> None:
    place.wait_until(lambda: place.query(STANDING) == WHOLE, what="the end")
    assert place.query(COUNTS) == str([(SOLUTIONS, SOLUTIONS, 0)] * JUDGES)


def pid_of(place: Stepmark, service: str) -> int:
    statuses = json.loads(place.manage("services status --json").stdout)
    return next(int(one["pid"]) for one in statuses if one["name"] == service)


def test_a_lost_slice_is_called_for_within_30_seconds() -> None:
    schedule = settings.CELERY_BEAT_SCHEDULE["ring-again"]["schedule"]
    assert isinstance(schedule, float)
    sweep = timedelta(seconds=schedule)
    assert RunSlice.LEASE + sweep < timedelta(seconds=30)


def longest_standstill(place: Stepmark, killed_at: str) -> float:
    """Return the seconds that no slice ended in, at the most, from `killed_at` to the last end.

    By the clock that the ends were noted by: however slowly this process runs, it takes no part.
    """
    code = f"""
from annotation.models import RunSlice
from django.utils.dateparse import parse_datetime
ended = RunSlice.objects.finished().filter(finished_at__gt={killed_at!r}).order_by("finished_at")
times = [parse_datetime({killed_at!r}), *ended.values_list("finished_at", flat=True)]
assert len(times) > 1
print(max((after - before).total_seconds() for before, after in zip(times, times[1:])))
"""
    return float(place.manage_code(code))


def test_what_killed_workers_held_is_taken_up_without_waiting_for_the_broker(
    stepmark_at_work: Stepmark,
) -> None:
    place = stepmark_at_work
    worker = start_worker(place)
    mark_half(place)
    # Between two slices a worker holds none.
    place.wait_until(lambda: place.query(JUST_TAKEN) == "True", what="another slice")
    killed_at = place.query(NOW)
    kill_group(worker)
    held = place.query(HELD)
    assert held != "[]"
    worker = start_worker(place)
    assert_ends_whole(place)
    assert place.query(TAKEN_AGAIN) == held
    # The broker would deliver the dead workers' messages again after an hour.
    assert longest_standstill(place, killed_at) <= 30
    kill_group(worker)


def test_a_broker_that_dies_and_forgets_everything_loses_no_mark(place: Stepmark) -> None:
    pid = pid_of(place, "valkey")
    mark_half(place)
    os.kill(pid, signal.SIGKILL)
    for pattern in ("**/*.aof", "**/*.manifest", "**/*.rdb"):
        for path in (place.home / "valkey").glob(pattern):
            path.unlink()
    assert_ends_whole(place)


def test_a_killed_database_loses_no_mark_and_doubles_none(place: Stepmark) -> None:
    pid = pid_of(place, "postgres")
    mark_half(place)
    os.kill(pid, signal.SIGKILL)
    assert_ends_whole(place)
