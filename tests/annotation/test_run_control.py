"""Holding a Run, ending it, letting it go on, and trying again what failed in it."""

from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from annotation import labelling, run_control, runs
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
