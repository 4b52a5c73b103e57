"""Holding a Run, ending it, letting it go on, and trying again what failed in it."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from annotation import labelling, run_control, run_plans, runs
from annotation.models import Assignment, Project, Run
from annotation.run_pace import NotNow
from annotation.runs import Made
from labelers.judges import JUDGES
from labelers.judges.arithmetic import ArithmeticJudge
from labelers.registration import register_model
from tests.factories import make_problem, make_project, make_run, make_solution, make_user

pytestmark = pytest.mark.django_db


class Asking(ArithmeticJudge):
    name = "asking"
    needs_engine = True
    settings = {"engine": {"type": "string"}}  # noqa: RUF012 - as every judge's


@pytest.fixture
def project() -> Project:
    project = make_project()
    problem = make_problem(project)
    for number in range(3):
        make_solution(problem, [f"{number} + 1 = {number + 1}"])
    return project


@pytest.fixture
def run(project: Project) -> Run:
    labeler = register_model(name="arithmetic", judge="arithmetic")
    return labelling.request(project=project, labeler=labeler)


def fail_all(run: Run, reason: str = "too long") -> None:
    piece = runs.claim(run.pk)
    assert piece is not None
    for pk in piece.payload:
        Assignment.close([Assignment.objects.get(pk=pk)], Assignment.State.FAILED, reason)
    failures = [runs.Failure(entry=pk, reason=reason) for pk in piece.payload]
    assert runs.finish(piece, lambda: Made(done=0, failures=failures), work_ms=1)
    run.refresh_from_db()


def test_a_paused_run_gives_out_nothing_until_it_is_resumed(run: Run) -> None:
    run_control.pause(run)
    assert run.state == "paused"
    assert runs.claim(run.pk) is None
    assert runs.to_ring() == []
    with pytest.raises(NotNow):
        run_control.pause(run)
    assert run_control.resume(run).state == "queued"
    assert runs.claim(run.pk) is not None
    with pytest.raises(NotNow, match="going on already"):
        run_control.resume(run)


def test_what_was_in_work_when_a_run_was_paused_is_kept(run: Run) -> None:
    piece = runs.claim(run.pk)
    assert piece is not None
    run_control.pause(run)
    assert runs.work(piece, labelling.judge_slice)
    run.refresh_from_db()
    assert (run.state, run.done) == ("finished", 3)


def test_a_paused_run_can_be_cancelled_and_a_cancelled_one_resumed(run: Run) -> None:
    run_control.pause(run)
    run_control.cancel(run)
    assert run.state == "cancelled"
    with pytest.raises(NotNow, match="ended already"):
        run_control.cancel(run)
    assert run_control.resume(run).state == "queued"


def test_a_run_with_nothing_left_cannot_be_resumed(run: Run) -> None:
    fail_all(run)
    with pytest.raises(NotNow, match="left to do"):
        run_control.resume(run)


def test_candidates_that_people_wait_for_are_not_paused(project: Project) -> None:
    run = make_run(project, kind=Run.Kind.CANDIDATES, state=Run.State.RUNNING)
    with pytest.raises(NotNow, match="cannot be paused"):
        run_control.pause(run)


def test_everything_that_failed_is_tried_again_on_purpose(project: Project, run: Run) -> None:
    fail_all(run)
    assert (run.state, run.failed, run.errors) == ("finished", 3, {"too long": 3})
    again = run_control.retry_failed(run)
    assert (again.state, again.failed, again.total, again.errors) == ("queued", 0, 3, {})
    assert not project.assignments.exclude(state=Assignment.State.OPEN, error="").exists()
    piece = runs.claim(run.pk)
    assert piece is not None
    assert runs.work(piece, labelling.judge_slice)
    run.refresh_from_db()
    assert (run.state, run.done) == ("finished", 3)
    with pytest.raises(NotNow, match="has failed"):
        run_control.retry_failed(run)


class InTwos(ArithmeticJudge):
    name = "in twos"
    batch_size = 2


@pytest.fixture
def in_twos(monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run over seven solutions of problems of their own: one in its first slice, two others."""
    monkeypatch.setitem(JUDGES, "in twos", InTwos)
    project = make_project()
    make_solution(make_problem(project), ["1 + 1 = 2"])
    labeler = register_model(name="in twos", judge="in twos")
    labelling.request(project=project, labeler=labeler)
    for number in range(6):
        make_solution(make_problem(project), [f"{number} + 1 = {number + 1}"])
    return labelling.request(project=project, labeler=labeler)


def judge_next(run: Run) -> list[int]:
    piece = runs.claim(run.pk)
    assert piece is not None
    assert runs.work(piece, labelling.judge_slice)
    run.refresh_from_db()
    return list(piece.payload)


@pytest.mark.parametrize("stop", [run_control.pause, run_control.cancel])
def test_a_stopped_run_tries_again_only_what_failed(
    in_twos: Run, stop: Callable[[Run], None]
) -> None:
    fail_all(in_twos)
    stop(in_twos)
    stopped = in_twos.state
    run_control.retry_failed(in_twos)
    in_twos.refresh_from_db()
    assert (in_twos.state, in_twos.left, in_twos.failed) == ("queued", 7, 0)
    assert len(runs.to_ring()) == 1
    judge_next(in_twos)
    assert (in_twos.state, in_twos.done, in_twos.left) == (stopped, 1, 6)
    assert runs.claim(in_twos.pk) is None
    assert runs.to_ring() == []
    run_control.resume(in_twos)
    in_twos.refresh_from_db()
    for _ in range(3):
        judge_next(in_twos)
    assert (in_twos.state, in_twos.done) == ("finished", 7)


def test_what_fails_again_in_a_stopped_run_for_passing_reasons_is_tried_again(
    in_twos: Run,
) -> None:
    fail_all(in_twos)
    run_control.pause(in_twos)
    run_control.retry_failed(in_twos)
    piece = runs.claim(in_twos.pk)
    assert piece is not None
    busy = runs.Failure(entry=piece.payload[0], reason="busy", transient=True)
    assert runs.finish(piece, lambda: Made(done=0, failures=[busy]), work_ms=1)
    in_twos.refresh_from_db()
    assert in_twos.state == "running"
    in_twos.slices.update(not_before=None)
    assert judge_next(in_twos) == piece.payload
    assert (in_twos.state, in_twos.done) == ("paused", 1)


def test_a_run_that_tries_again_what_failed_can_be_asked_for_the_rest(in_twos: Run) -> None:
    fail_all(in_twos)
    run_control.pause(in_twos)
    run_control.retry_failed(in_twos)
    labelling.request(
        project=in_twos.project, labeler=register_model(name="in twos", judge="in twos")
    )
    for _ in range(4):
        judge_next(in_twos)
    assert (in_twos.state, in_twos.done) == ("finished", 7)


@pytest.mark.parametrize("stop", [run_control.pause, run_control.cancel])
def test_to_try_again_twice_leaves_the_rest_of_a_stopped_run(
    in_twos: Run, stop: Callable[[Run], None]
) -> None:
    fail_all(in_twos)
    fail_all(in_twos)
    stop(in_twos)
    stopped = in_twos.state
    run_control.retry_failed(in_twos)
    fail_all(in_twos)
    run_control.retry_failed(in_twos)
    judge_next(in_twos)
    judge_next(in_twos)
    assert (in_twos.state, in_twos.done, in_twos.left) == (stopped, 3, 4)


def test_what_the_route_adds_leaves_the_rest_of_a_stopped_run(in_twos: Run) -> None:
    fail_all(in_twos)
    run_control.pause(in_twos)
    run_control.retry_failed(in_twos)
    labeler = register_model(name="in twos", judge="in twos")
    labelling.request(project=in_twos.project, labeler=labeler, resumes=False)
    judge_next(in_twos)
    assert (in_twos.state, in_twos.done, in_twos.left) == ("paused", 1, 6)


def test_what_failed_is_tried_again_in_batches_of_the_judges_size(in_twos: Run) -> None:
    assert len(in_twos.slices.earliest("number").payload) == 1
    for _ in range(4):
        fail_all(in_twos)
    assert in_twos.failed == 7
    run_control.retry_failed(in_twos)
    again = in_twos.slices.unfinished().order_by("number")
    assert [len(piece.payload) for piece in again] == [2, 2, 2, 1]


def test_draws_that_failed_are_tried_again_in_batches_of_the_runs_size(project: Project) -> None:
    run = make_run(project)
    run_plans.add_slices(run, [[[1, 0]], [[1, 1], [1, 2]], [[2, 0], [2, 1]]])
    while piece := runs.claim(run.pk):
        failures = [runs.Failure(entry=entry, reason="no") for entry in piece.payload]
        runs.finish(piece, partial(Made, done=0, failures=failures), work_ms=1)
    run_control.retry_failed(run)
    again = run.slices.unfinished().order_by("number")
    assert [len(piece.payload) for piece in again] == [2, 2, 1]


def test_what_failed_of_a_judge_that_is_gone_stays_failed(
    in_twos: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_all(in_twos)
    monkeypatch.delitem(JUDGES, "in twos")
    with pytest.raises(NotNow, match="in twos"):
        run_control.retry_failed(in_twos)
    in_twos.refresh_from_db()
    assert in_twos.failed == 1


def test_a_larger_budget_lets_a_run_go_on(project: Project) -> None:
    price = {"prompt_per_1k": 1, "completion_per_1k": 1, "currency": "USD"}
    labeler = register_model(name="priced", judge="arithmetic", config={"price": price})
    run = labelling.request(project=project, labeler=labeler, budget=Decimal(1))
    Run.objects.update(money=Decimal(1), state=Run.State.PAUSED)
    with pytest.raises(NotNow, match="budget is spent"):
        run_control.resume(run)
    with pytest.raises(NotNow, match="budget is spent"):
        run_control.resume(run, budget=Decimal("0.5"))
    assert run_control.resume(run, budget=Decimal(2)).budget == 2
    assert run_control.resume(run, budget=Decimal(3)).budget == 3, "also while it goes on"


def test_nothing_goes_on_in_an_archived_project(project: Project, run: Run) -> None:
    run_control.pause(run)
    project.archived_at = timezone.now()
    project.save()
    run.refresh_from_db()
    boss = make_user(is_superuser=True)
    labeler = register_model(name="arithmetic", judge="arithmetic")
    with pytest.raises(NotNow, match="archived"):
        run_control.resume(run)
    with pytest.raises(NotNow, match="archived"):
        run_control.retry_failed(run)
    with pytest.raises(NotNow, match="archived"):
        run_control.start(project=project, labeler=labeler, user=boss)


def test_engines_spend_the_sites_key_for_superusers_alone(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(JUDGES, "asking", Asking)
    asking = register_model(name="asking", judge="asking", config={"engine": "scripted"})
    free = register_model(name="free", judge="arithmetic")
    manager, boss = make_user(), make_user(is_superuser=True)
    assert run_control.startable(manager) == [free]
    assert run_control.startable(boss) == [asking, free]
    with pytest.raises(PermissionDenied):
        run_control.start(project=project, labeler=asking, user=manager)
    run = labelling.request(project=project, labeler=asking)
    drawing = make_run(project, kind=Run.Kind.SAMPLING)
    marking = labelling.request(project=project, labeler=free)
    for one, may in ((run, False), (drawing, False), (marking, True)):
        assert run_control.may_go_on_for(manager, one) is may
        assert run_control.may_go_on_for(boss, one)
