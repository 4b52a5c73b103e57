"""What a Run tries again by itself, how a rate limit slows it, and when it stops."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from annotation import run_pace, run_plans, runs
from annotation.models import Run, RunSlice
from annotation.run_pace import Failure
from annotation.runs import Made
from tests.factories import make_project

pytestmark = pytest.mark.django_db


def planned(batches: Sequence[Sequence[int]], kind: Run.Kind = Run.Kind.LABELLING) -> Run:
    with transaction.atomic():
        wanted = {"name": "judge", "currency": "USD"}
        run = run_plans.open_run(
            project=make_project(), kind=kind, identity={"of": len(batches)}, request=wanted
        )
        run_plans.add_slices(run, batches)
    return run


def end(run: Run, *, done: int = 0, money: str = "0", failures: Sequence[Failure] = ()) -> RunSlice:
    """Take the next slice and end it like this."""
    piece = runs.claim(run.pk)
    assert piece is not None
    made = Made(done=done, failures=failures, money=Decimal(money))
    assert runs.finish(piece, lambda: made, work_ms=1)
    run.refresh_from_db()
    return piece


def passing(entry: int) -> Failure:
    return Failure(entry=entry, reason="busy", transient=True)


def let_time_pass(run: Run) -> None:
    run.slices.update(not_before=None)
    Run.objects.filter(pk=run.pk).update(not_before=None)


def test_what_failed_for_a_passing_reason_waits_to_be_tried_again() -> None:
    run = planned([[1, 2, 3]])
    end(run, done=1, failures=[passing(2), Failure(entry=3, reason="too long")])
    assert (run.state, run.done, run.failed, run.left) == ("running", 1, 1, 1)
    again = run.slices.unfinished().get()
    assert (again.payload, again.tries) == ([2], 1)
    assert again.not_before is not None
    assert again.not_before > timezone.now()
    assert runs.claim(run.pk) is None
    assert runs.to_ring() == []
    let_time_pass(run)
    assert [slice_id for _, slice_id, _ in runs.to_ring()] == [again.pk]
    end(run, done=1)
    assert (run.state, run.done, run.failed, run.total) == ("finished", 2, 1, 3)


def test_each_wait_is_longer_and_by_lot(monkeypatch: pytest.MonkeyPatch) -> None:
    run = planned([[1]])
    waits: list[float] = []
    for lot in (0.5, 1.5, 0.5, 1.5):
        monkeypatch.setattr("random.uniform", lambda low, high, lot=lot: lot)
        began = timezone.now()
        end(run, failures=[passing(1)])
        until = run.slices.unfinished().get().not_before
        assert until is not None
        waits.append((until - began).total_seconds())
        let_time_pass(run)
    assert [round(wait) for wait in waits] == [2, 12, 8, 48]


def test_it_counts_as_failed_after_as_many_tries() -> None:
    run = planned([[1]])
    for _ in range(run_pace.RETRIES):
        end(run, failures=[passing(1)])
        assert (run.failed, run.state) == (0, "running")
        let_time_pass(run)
    end(run, failures=[passing(1)])
    assert (run.state, run.failed, run.errors) == ("finished", 1, {"busy": 1})
    assert runs.claim(run.pk) is None


def test_what_failed_before_is_tried_before_what_is_new() -> None:
    run = planned([[1], [2], [3]])
    end(run, failures=[passing(1)])
    let_time_pass(run)
    assert end(run, done=1).payload == [1]
    assert end(run, done=1).payload == [2]


def test_an_unexpected_error_is_not_tried_again_but_a_lost_connection_is() -> None:
    run = planned([[1], [2]])
    for error, waiting in ((KeyError("colour"), 0), (ConnectionError("reset"), 1)):

        def broken(piece: RunSlice, error: Exception = error) -> None:
            raise error

        piece = runs.claim(run.pk)
        assert piece is not None
        assert runs.work(piece, broken)  # type: ignore[arg-type]
        assert run.slices.filter(tries=1).count() == waiting
    run.refresh_from_db()
    assert run.errors == {"KeyError: 'colour'": 1}


def test_nobody_who_waits_in_front_of_a_page_waits_for_another_try() -> None:
    run = planned([[1]], Run.Kind.CANDIDATES)
    end(run, failures=[passing(1)])
    assert (run.state, run.failed) == ("finished", 1)


def limited(entry: int, seconds: float = 90) -> Failure:
    return Failure(entry=entry, reason="429", transient=True, retry_after_s=seconds)


def test_a_rate_limit_holds_the_run_until_then_and_halves_what_goes_on_at_once() -> None:
    run = planned([[n] for n in range(10)])
    pieces = [runs.claim(run.pk) for _ in range(4)]
    first = pieces[0]
    assert first is not None
    began = timezone.now()
    runs.finish(first, lambda: Made(done=0, failures=[limited(0)]), work_ms=1)
    run.refresh_from_db()
    assert (run.state, run.failed, run.at_once) == ("running", 0, 2)
    assert run.not_before is not None
    waited = run.not_before - began
    assert timedelta(seconds=90) <= waited <= timedelta(seconds=92)
    assert runs.claim(run.pk) is None
    assert runs.to_ring() == []
    second = pieces.pop()
    assert second is not None
    runs.finish(second, lambda: Made(done=0, failures=[limited(3)]), work_ms=1)
    run.refresh_from_db()
    assert run.at_once == 2, "it met the same limit"
    let_time_pass(run)
    assert runs.claim(run.pk) is None, "two slices are in work still, and two may be"
    for piece in pieces[1:3]:
        assert piece is not None
        runs.finish(piece, lambda: Made(done=1), work_ms=1)
    assert len(runs.to_ring()) == 4, "each that went well lets one more go on"
    assert runs.claim(run.pk) is not None


def test_a_rate_limit_never_fails_a_solution() -> None:
    run = planned([[1]])
    for _ in range(3 * run_pace.RETRIES):
        end(run, failures=[limited(1, seconds=0)])
        assert (run.failed, run.at_once) == (0, 1)
        assert run.not_before is not None
        assert run.not_before > timezone.now() + timedelta(seconds=run_pace.UNTOLD_WAIT_S - 5)
        let_time_pass(run)
    end(run, done=1)
    assert run.state == "finished"


def test_a_server_that_asks_for_a_day_is_asked_again_before() -> None:
    run = planned([[1]])
    end(run, failures=[limited(1, seconds=86_400)])
    assert run.not_before is not None
    assert run.not_before < timezone.now() + timedelta(seconds=run_pace.LONGEST_WAIT_S + 5)


def test_a_run_that_goes_well_again_is_slowed_no_more() -> None:
    run = planned([[n] for n in range(run_pace.MOST_AT_ONCE + 2)])
    end(run, failures=[limited(0)])
    let_time_pass(run)
    for _ in range(run_pace.MOST_AT_ONCE):
        end(run, done=1)
    assert run.at_once is None


def test_a_run_of_which_nothing_succeeds_stops_early_and_says_why() -> None:
    size = run_pace.ALL_FAILED // 2
    run = planned([[n * size + i for i in range(size)] for n in range(4)])
    for number in range(2):
        assert run.state != "failed"
        entries = range(number * size, (number + 1) * size)
        end(run, failures=[Failure(entry=entry, reason="no such model") for entry in entries])
    assert (run.state, run.failed, run.left) == ("failed", 2 * size, 2 * size)
    assert run.error == f"stopped early: the last {2 * size} all failed, most often: no such model"
    assert runs.claim(run.pk) is None


def test_what_nobody_answers_stops_the_run_at_once_and_is_done_when_it_goes_on() -> None:
    run = planned([[1, 2, 3], [4]])
    unpaid = Failure(entry=2, reason="the quota is spent", stops_run=True)
    end(run, done=1, failures=[unpaid, Failure(entry=3, reason="too long")])
    assert (run.state, run.error) == ("failed", "the quota is spent")
    assert (run.done, run.failed, run.left) == (1, 1, 2)
    assert runs.claim(run.pk) is None
    with transaction.atomic():
        run.settle()
    assert [end(run, done=1).payload for _ in range(2)] == [[4], [2]]
    assert (run.state, run.done, run.failed) == ("finished", 3, 1)


def test_a_run_of_which_something_succeeds_goes_on() -> None:
    run = planned([[n] for n in range(2 * run_pace.ALL_FAILED)])
    for number in range(run_pace.ALL_FAILED - 1):
        end(run, failures=[Failure(entry=number, reason="no such model")])
    end(run, done=1)
    end(run, failures=[Failure(entry=0, reason="no such model")])
    assert run.state == "running"


def test_a_spent_budget_pauses_the_run_and_a_larger_one_lets_it_go_on() -> None:
    run = planned([[1], [2], [3]])
    with transaction.atomic():
        run_pace.set_budget(run, Decimal("0.50"))
    end(run, done=1, money="0.30")
    assert run.state == "running"
    end(run, done=1, money="0.30")
    assert (run.state, run.money, run.left) == ("paused", Decimal("0.60"), 1)
    assert runs.claim(run.pk) is None
    for budget in (None, Decimal("0.60")):
        with pytest.raises(run_pace.NotNow, match=r"0\.60 of 0\.\d0 USD"):
            run_pace.set_budget(run, budget)
    with transaction.atomic():
        run_pace.set_budget(run, Decimal(1))
        run.settle()
    end(run, done=1)
    assert run.state == "finished"


def test_a_budget_needs_a_price() -> None:
    run = planned([[1]])
    run.request = {"name": "judge"}
    with pytest.raises(run_pace.NotNow, match="price"):
        run_pace.set_budget(run, Decimal(1))
