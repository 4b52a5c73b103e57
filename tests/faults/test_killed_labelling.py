"""Labelling by several judges, killed: every solution gets one annotation of each, and no more."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings

from annotation.models import RunSlice
from tests.place import Stepmark, kill_group, stepmark

pytestmark = pytest.mark.slow

SOLUTIONS = 32
JUDGES = 3
WHOLE = f"({JUDGES * SOLUTIONS}, {JUDGES * SOLUTIONS}, ['finished'])"
STANDING = (
    "(Annotation.objects.count(),"
    " Annotation.objects.values('labeler', 'solution').distinct().count(),"
    " sorted(set(Run.objects.values_list('state', flat=True))))"
)
COUNTS = "sorted(Run.objects.values_list('total', 'done', 'failed'))"
TAKEN_AGAIN = "RunSlice.objects.filter(attempt__gt=1).exists()"


@pytest.fixture
def place() -> Iterator[Stepmark]:
    with stepmark() as place:
        place.make_project("faults")
        place.manage_code(f"from tests.faults.slow_judges import *; make_solutions({SOLUTIONS})")
        place.start_clock()
        yield place


def start_worker(place: Stepmark) -> "subprocess.Popen[bytes]":
    return place.start_worker(processes=2, include="tests.faults.slow_judges")


def mark_everything(place: Stepmark) -> None:
    place.manage_code("from tests.faults.slow_judges import *; mark_everything()")
    place.wait_until(lambda: marked(place) > 0, what="progress")


def marked(place: Stepmark) -> int:
    return int(place.query("Annotation.objects.count()"))


def assert_ends_whole(place: Stepmark) -> None:
    place.wait_until(lambda: place.query(STANDING) == WHOLE, what="the end")
    assert place.query(COUNTS) == str([(SOLUTIONS, SOLUTIONS, 0)] * JUDGES)


def kill_service(place: Stepmark, name: str) -> None:
    statuses = json.loads(place.manage("services status --json").stdout)
    os.kill(next(one["pid"] for one in statuses if one["name"] == name), signal.SIGKILL)


def test_what_a_killed_worker_held_is_taken_up_without_waiting_for_the_broker(
    place: Stepmark,
) -> None:
    worker = start_worker(place)
    mark_everything(place)
    kill_group(worker)
    assert place.query(STANDING) != WHOLE
    start_worker(place)
    # The broker would deliver the dead worker's messages again after an hour.
    place.wait_until(lambda: place.query(TAKEN_AGAIN) == "True", what="going on", seconds=60)
    assert_ends_whole(place)


def test_a_lost_slice_is_called_for_within_30_seconds() -> None:
    sweep = timedelta(seconds=settings.CELERY_BEAT_SCHEDULE["ring-again"]["schedule"])
    assert RunSlice.LEASE + sweep < timedelta(seconds=30)


def test_a_broker_that_dies_and_forgets_everything_loses_no_mark(place: Stepmark) -> None:
    start_worker(place)
    mark_everything(place)
    kill_service(place, "valkey")
    for pattern in ("**/*.aof", "**/*.manifest", "**/*.rdb"):
        for path in (place.home / "valkey").glob(pattern):
            path.unlink()
    assert place.query(STANDING) != WHOLE
    assert_ends_whole(place)


def test_a_killed_database_loses_no_mark_and_doubles_none(place: Stepmark) -> None:
    start_worker(place)
    mark_everything(place)
    kill_service(place, "postgres")
    assert place.query(STANDING) != WHOLE
    assert_ends_whole(place)
