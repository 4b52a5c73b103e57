"""How far a run is: its pace since it goes on, and how one of which nothing was done is shown."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.template.loader import render_to_string
from django.utils import timezone

from annotation import labelling, run_control, run_plans, run_progress, runs
from annotation.models import Project, Run
from annotation.runs import Made
from labelers.registration import register_model
from tests.factories import make_problem, make_project, make_run, make_solution

pytestmark = pytest.mark.django_db


def planned(*sizes: int) -> Run:
    run = make_run(make_project(), kind=Run.Kind.LABELLING, request={"name": "critic"})
    run_plans.add_slices(run, [list(range(size)) for size in sizes])
    return run


def end(run: Run, *, done: int, failed: int = 0) -> None:
    piece = runs.claim(run.pk)
    assert piece is not None
    failures = [runs.Failure(entry=entry, reason="too long") for entry in range(failed)]
    assert runs.finish(piece, lambda: Made(done=done, failures=failures), work_ms=1)
    run.refresh_from_db()


def test_the_pace_of_a_run_that_was_resumed_is_that_since_it_goes_on() -> None:
    run = planned(60, 60, 60)
    end(run, done=60)
    Run.objects.filter(pk=run.pk).update(started_at=timezone.now() - timedelta(days=2))
    run_control.pause(run)
    run_control.resume(run)
    end(run, done=60)
    Run.objects.filter(pk=run.pk).update(started_at=timezone.now() - timedelta(seconds=30))
    run.slices.filter(number=0).update(finished_at=timezone.now() - timedelta(days=1))
    run.refresh_from_db()
    far = run_progress.progress(run)
    assert far.per_minute == pytest.approx(120, rel=0.2)
    assert far.time_left is not None
    assert far.time_left.total_seconds() == pytest.approx(30, rel=0.2)


def test_a_run_starts_anew_when_it_goes_on() -> None:
    run = planned(1, 1, 1)
    end(run, done=1)
    long_ago = timezone.now() - timedelta(days=2)
    Run.objects.filter(pk=run.pk).update(started_at=long_ago)
    run_control.pause(run)
    run_control.resume(run)
    end(run, done=1)
    assert run.started_at is not None
    assert run.started_at > long_ago + timedelta(days=1)
    end(run, done=1)
    assert run.state == "finished"
    assert run_progress.progress(run).per_minute is not None


def test_time_left_is_that_of_what_goes_on() -> None:
    run = planned(10, 1_000)
    end(run, done=0, failed=10)
    run_control.pause(run)
    run.request = {**run.request, "judge": "arithmetic"}
    run.save()
    run_control.retry_failed(run)
    run.refresh_from_db()
    now = timezone.now()
    Run.objects.filter(pk=run.pk).update(state="running", started_at=now - timedelta(minutes=1))
    run.refresh_from_db()
    far = run_progress.progress(run)
    assert far.time_left is not None
    assert far.time_left.total_seconds() == pytest.approx(60, rel=0.2), "ten, and ten a minute"


@pytest.mark.parametrize(
    ("done", "failed", "tag"), [(0, 3, "tag bad"), (1, 2, "tag great"), (3, 0, "tag great")]
)
def test_a_short_run_of_which_nothing_was_done_is_shown_as_failed(
    done: int, failed: int, tag: str
) -> None:
    run = planned(3)
    end(run, done=done, failed=failed)
    assert run.state == "finished"
    assert tag in render_to_string("annotation/_run_state.html", {"run": run})


@pytest.fixture
def failing() -> Project:
    """A project of three solutions whose problem says no answer to compare theirs with."""
    project = make_project("eggs")
    problem = make_problem(project)
    for number in range(3):
        make_solution(problem, [f"Step {number}."])
    config = {"engine": "scripted", "engine_config": {"texts": ["hm"]}}
    labeler = register_model(name="critic", judge="llm_judge", config=config)
    runs.work_here(labelling.request(project=project, labeler=labeler), labelling.judge_slice)
    return project


def said(capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    call_command("runs", *options)
    return capsys.readouterr().out.splitlines()


def test_the_command_lists_the_page_of_each_solution_that_failed(
    failing: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    run = failing.runs.get()
    assert run.failed == 3
    (reason,) = run.errors
    assert said(capsys, "--failed", str(run.pk)) == [
        f"/projects/eggs/solutions/{solution.pk}/  {reason}"
        for solution in failing.solutions.order_by("pk")
    ]
    with pytest.raises(CommandError, match="there is no run"):
        said(capsys, "--failed", "999999")
    routing = make_run(failing, kind=Run.Kind.ROUTING)
    with pytest.raises(CommandError, match="no page"):
        said(capsys, "--failed", str(routing.pk))


def test_the_command_says_the_most_frequent_reasons_alone(
    failing: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    errors = {f"reason {n}": n for n in range(1, 31)}
    Run.objects.update(errors=errors)
    lines = [line for line in said(capsys) if line.startswith("run ")]
    assert len(lines) == 11
    assert lines[0].endswith("30 x reason 30")
    assert lines[-1].endswith("and 20 more reasons")
