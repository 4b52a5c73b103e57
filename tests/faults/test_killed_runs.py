"""Runs whose workers, broker and database are killed: nothing is lost, nothing is done twice."""

import json
import os
import signal
from functools import partial

import pytest

from tests.place import Stepmark, kill_group

pytestmark = pytest.mark.slow

SAMPLE = "sample --project faults --engine scripted -n 6"
PROBLEMS = 12
COUNTS = (
    "Solution.objects.count(), sum(Solution.objects.values_list('times_drawn', flat=True)),"
    " Step.objects.count()"
)
TEXTS = "sorted(Solution.objects.values_list('problem__text', 'text', 'times_drawn'))"
SLOW_ENGINE = """
from annotation.models import Project
from annotation import sampling
run = sampling.request(
    project=Project.objects.get(slug="faults"),
    wanted=sampling.SamplingRequest(
        engine="scripted",
        engine_config={"delay_s": 0.15},
        solutions_a_problem=6,
    ),
)
"""

IN_PLACE = """
from annotation.management.running import work_through
work_through(run, "drawing")
"""


@pytest.fixture
def place(place: Stepmark) -> Stepmark:
    texts = (f"A jar has {n + 2} pens and {n} nibs. How many?" for n in range(PROBLEMS))
    place.make_project("faults", *texts)
    return place


def done(place: Stepmark) -> int:
    return int(place.query("Run.objects.get().done"))


def has_more_than(place: Stepmark, before: int) -> bool:
    return done(place) > before


def is_finished(place: Stepmark) -> bool:
    return place.query("Run.objects.get().state") == "finished"


def assert_whole(place: Stepmark) -> None:
    """Every draw of the run is counted once, and its texts are those of an unbroken run."""
    run = place.query("[(r.total, r.done, r.failed) for r in Run.objects.all()]")
    assert run == f"[({6 * PROBLEMS}, {6 * PROBLEMS}, 0)]"
    drawn = place.query("sum(Solution.objects.values_list('times_drawn', flat=True))")
    assert int(drawn) == 6 * PROBLEMS
    broken_off = place.query(TEXTS)
    place.manage_code(
        "from annotation.models import *; Solution.objects.all().delete();"
        " Run.objects.all().delete()"
    )
    place.manage(f"{SAMPLE} --wait")
    assert place.query(TEXTS) == broken_off


def test_a_killed_command_resumes_without_repeating_or_losing_a_solution(place: Stepmark) -> None:
    place.manage_code(SLOW_ENGINE)
    for _ in range(3):
        before = done(place)
        process = place.start_code(f"{SLOW_ENGINE}\n{IN_PLACE}")
        place.wait_until(partial(has_more_than, place, before), what="progress")
        kill_group(process)
        if is_finished(place):
            break
    place.manage(f"{SAMPLE} --wait")
    assert_whole(place)


def test_killed_workers_are_replaced_without_waiting_for_the_broker(place: Stepmark) -> None:
    place.start_clock()
    worker = place.start_worker(processes=2)
    place.manage_code(SLOW_ENGINE)
    place.wait_until(lambda: done(place) > 0, what="progress")
    kill_group(worker)
    stopped_at = done(place)
    place.start_worker()
    place.wait_until(lambda: done(place) > stopped_at, what="going on", seconds=60)
    place.wait_until(lambda: is_finished(place), what="the end")
    assert_whole(place)


def test_a_broker_that_forgets_everything_loses_no_work(place: Stepmark) -> None:
    place.manage_code(SLOW_ENGINE)
    place.manage_code("from annotation import run_kinds; run_kinds.ring()")
    kill_service(place, "valkey")
    for path in (place.home / "valkey").glob("**/*.aof"):
        path.unlink()
    for path in (place.home / "valkey").glob("**/*.manifest"):
        path.unlink()
    place.start_clock()
    place.start_worker()
    place.wait_until(lambda: is_finished(place), what="the end")
    assert_whole(place)


def test_a_killed_database_loses_nothing_and_doubles_nothing(place: Stepmark) -> None:
    place.start_clock()
    place.start_worker()
    place.manage_code(SLOW_ENGINE)
    place.wait_until(lambda: done(place) > 0, what="progress")
    kill_service(place, "postgres")
    place.manage("services status", check=False)
    place.wait_until(lambda: is_finished(place), what="the end")
    assert_whole(place)


def kill_service(place: Stepmark, name: str) -> None:
    statuses = json.loads(place.manage("services status --json").stdout)
    pid = next(status["pid"] for status in statuses if status["name"] == name)
    os.kill(pid, signal.SIGKILL)
