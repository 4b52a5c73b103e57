"""The life of a Run: claims, leases, ends, bells."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from celery import current_app
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from annotation import run_kinds, run_plans, runs
from annotation.models import Project, Run, RunSlice
from annotation.runs import Failure, Made
from tests.factories import make_project

pytestmark = pytest.mark.django_db


def planned(slices: int = 3, project: Project | None = None) -> Run:
    """Return a Run of `slices` slices of two entries each."""
    with transaction.atomic():
        run = run_plans.open_run(
            project=project or make_project(),
            kind=Run.Kind.SAMPLING,
            identity={"of": slices},
            request={},
        )
        run_plans.add_slices(run, ([2 * number, 2 * number + 1] for number in range(slices)))
    return run


def do(piece: RunSlice | None) -> bool:
    assert piece is not None
    return runs.work(piece, lambda piece: lambda: Made(done=len(piece.payload)))


def overdue(piece: RunSlice | None) -> RunSlice:
    assert piece is not None
    past = timezone.now() - timedelta(seconds=1)
    RunSlice.objects.filter(pk=piece.pk).update(lease_until=past)
    return piece


def test_slices_are_claimed_in_order_and_the_last_one_ends_the_run() -> None:
    run = planned()
    for number in range(3):
        piece = runs.claim(run.pk)
        assert piece is not None
        assert piece.number == number
        run.refresh_from_db()
        assert run.state == "running"
        assert do(piece)
    run.refresh_from_db()
    assert (run.state, run.done, run.total) == ("finished", 6, 6)
    assert run.finished_at is not None
    assert runs.claim(run.pk) is None


def test_a_slice_in_work_is_not_claimed_again_until_its_lease_ends() -> None:
    run = planned(1)
    first = runs.claim(run.pk)
    assert runs.claim(run.pk) is None
    overdue(first)
    second = runs.claim(run.pk)
    assert second is not None
    assert second.attempt == 2


def test_who_lost_the_lease_writes_nothing() -> None:
    run = planned(1)
    first = overdue(runs.claim(run.pk))
    second = runs.claim(run.pk)
    assert not do(first)
    assert do(second)
    run.refresh_from_db()
    assert run.done == 2


def test_a_finished_slice_is_not_claimed_by_a_late_bell() -> None:
    run = planned()
    piece = runs.claim(run.pk)
    assert piece is not None
    do(piece)
    assert runs.claim(run.pk, slice_id=piece.pk) is None


def test_failures_are_kept_with_their_reasons() -> None:
    run = planned(1)
    piece = runs.claim(run.pk)
    assert piece is not None
    failures = [Failure(entry=0, reason="too long")]
    runs.finish(piece, lambda: Made(done=1, failures=failures), work_ms=5)
    run.refresh_from_db()
    assert (run.state, run.done, run.failed) == ("finished", 1, 1)
    assert run.errors == {"too long": 1}


def test_only_transient_failures_are_taken_back() -> None:
    run = planned(1)
    piece = runs.claim(run.pk)
    assert piece is not None
    failures = [Failure(entry=0, reason="too long"), Failure(entry=1, reason="429", transient=True)]
    runs.finish(piece, lambda: Made(done=0, failures=failures), work_ms=5, tries_again=False)
    run.refresh_from_db()
    assert run_plans.take_back_failures(run) == [1]
    assert (run.failed, run.total) == (1, 1)
    assert run.errors == {"too long": 1}
    assert run_plans.take_back_failures(run) == []


def test_a_slice_that_kills_every_worker_is_given_up_and_the_run_ends() -> None:
    run = planned(1)
    for _ in range(runs.MAX_ATTEMPTS):
        overdue(runs.claim(run.pk))
    last = runs.claim(run.pk)
    assert last is not None
    assert runs.work(last, lambda piece: pytest.fail("it must not be tried again"))
    run.refresh_from_db()
    assert (run.state, run.done, run.failed) == ("finished", 0, 2)


def test_a_run_that_cannot_go_on_stops_and_resumes_when_asked_again() -> None:
    run = planned()

    def no_model(piece: RunSlice) -> None:
        raise runs.CannotRun("the model is not there")

    piece = runs.claim(run.pk)
    assert piece is not None
    assert not runs.work(piece, no_model)  # type: ignore[arg-type]
    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", "the model is not there")
    assert runs.claim(run.pk) is None
    run_plans.add_slices(run, [])
    assert (run.state, run.error) == ("queued", "")
    while piece := runs.claim(run.pk):
        do(piece)
    run.refresh_from_db()
    assert (run.state, run.done) == ("finished", 6)


def test_a_cancelled_run_gives_no_more_slices_but_keeps_what_was_in_work() -> None:
    run = planned()
    piece = runs.claim(run.pk)
    assert run.cancel()
    assert not run.cancel()
    assert runs.claim(run.pk) is None
    assert do(piece)
    run.refresh_from_db()
    assert (run.state, run.done) == ("cancelled", 2)


def test_the_heartbeat_keeps_a_lease_alive(
    monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> None:
    monkeypatch.setattr(RunSlice, "LEASE", timedelta(milliseconds=300))
    run = planned(1)
    piece = runs.claim(run.pk)
    assert piece is not None
    with runs.heartbeat(piece):
        before = RunSlice.objects.get(pk=piece.pk).lease_until
        assert before is not None
        deadline = timezone.now() + timedelta(seconds=20)
        while RunSlice.objects.filter(pk=piece.pk, lease_until=before).exists():
            assert timezone.now() < deadline, "the lease was never extended"


def test_bells_are_rung_once_a_lease_and_for_a_window_of_slices() -> None:
    planned(40)
    assert len(runs.to_ring(limit_a_run=16)) == 16
    assert runs.to_ring(limit_a_run=16) == []
    RunSlice.objects.update(rung_at=timezone.now() - 2 * RunSlice.LEASE)
    assert len(runs.to_ring(limit_a_run=16)) == 16


def test_no_bell_is_rung_for_what_is_finished_or_held() -> None:
    run = planned(2)
    do(runs.claim(run.pk))
    held = runs.claim(run.pk)
    assert runs.to_ring() == []
    overdue(held)
    assert [slice_id for _, slice_id, _ in runs.to_ring()] == [held.pk if held else None]


def test_an_unexpected_error_fails_the_slice_with_its_text_and_may_be_tried_again() -> None:
    run = planned(2)

    def broken(piece: RunSlice) -> Callable[[], Made]:
        raise KeyError("colour")

    piece = runs.claim(run.pk)
    assert piece is not None
    assert runs.work(piece, broken)
    do(runs.claim(run.pk))
    run.refresh_from_db()
    assert (run.state, run.done, run.failed) == ("finished", 2, 2)
    assert run.errors == {"KeyError: 'colour'": 2}
    assert run_plans.take_back_failures(run) == [0, 1]


def test_an_error_while_writing_keeps_nothing_of_the_slice() -> None:
    run = planned(1)

    def write() -> Made:
        make_project("half-written")
        raise ValueError("no")

    piece = runs.claim(run.pk)
    assert piece is not None
    assert runs.work(piece, lambda piece: write)
    run.refresh_from_db()
    assert (run.state, run.done, run.failed) == ("finished", 0, 2)
    assert not Project.objects.filter(slug="half-written").exists()


def test_a_database_that_does_not_answer_leaves_the_slice_to_its_lease() -> None:
    run = planned(1)

    def gone(piece: RunSlice) -> Callable[[], Made]:
        raise OperationalError("gone")

    piece = runs.claim(run.pk)
    assert piece is not None
    with pytest.raises(OperationalError):
        runs.work(piece, gone)
    run.refresh_from_db()
    assert (run.state, run.failed) == ("running", 0)
    assert do(runs.claim(overdue(piece).run_id))


def test_a_run_that_others_finished_is_not_stopped_by_who_lost_its_lease() -> None:
    run = planned(1)
    lost = overdue(runs.claim(run.pk))
    assert do(runs.claim(run.pk))

    def no_model(piece: RunSlice) -> Callable[[], Made]:
        raise runs.CannotRun("the model is not there")

    assert not runs.work(lost, no_model)
    run.refresh_from_db()
    assert (run.state, run.error, run.done) == ("finished", "", 2)


def test_a_cancelled_run_whose_last_slice_ends_is_finished() -> None:
    run = planned(1)
    piece = runs.claim(run.pk)
    assert run.cancel()
    assert do(piece)
    run.refresh_from_db()
    assert (run.state, run.done) == ("finished", 2)


def test_the_heartbeat_outlives_a_lost_connection(
    monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> None:
    monkeypatch.setattr(RunSlice, "LEASE", timedelta(milliseconds=300))
    failures = iter([OperationalError("gone"), InterfaceError("closed")])
    extend = RunSlice.extend

    def extend_after_failures(piece: RunSlice) -> None:
        for failure in failures:
            raise failure
        extend(piece)

    monkeypatch.setattr(RunSlice, "extend", extend_after_failures)
    piece = runs.claim(planned(1).pk)
    assert piece is not None
    with runs.heartbeat(piece):
        before = RunSlice.objects.get(pk=piece.pk).lease_until
        deadline = timezone.now() + timedelta(seconds=20)
        while RunSlice.objects.filter(pk=piece.pk, lease_until=before).exists():
            assert timezone.now() < deadline, "the lease was never extended"


@pytest.fixture
def own_queue() -> Iterator[str]:
    queue = f"test-{uuid4().hex}"
    yield queue
    with current_app.connection_for_write() as connection:
        connection.default_channel.queue_delete(queue)


def test_a_queue_that_nobody_empties_does_not_fill_with_bells(
    monkeypatch: pytest.MonkeyPatch, own_queue: str
) -> None:
    monkeypatch.setattr(run_kinds, "FULL_QUEUE", 5)
    run = planned(3)
    Run.objects.filter(pk=run.pk).update(queue=own_queue)
    for _ in range(10):
        RunSlice.objects.update(rung_at=None)
        run_kinds.ring()
    assert 5 <= run_kinds.bells_in(own_queue) < 5 + 3


def test_a_broker_that_is_not_there_only_delays_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    planned(1)

    def refused(queue: str) -> int:
        raise BrokerError("refused")

    monkeypatch.setattr(run_kinds, "bells_in", refused)
    assert run_kinds.ring() == 0
