"""The commands at the door: what they say, and their exit codes."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from annotation import run_kinds
from annotation.models import Project, Run, RunSlice
from annotation.runs import Made
from labelers.judges import JUDGES
from labelers.models import Labeler
from labelers.registration import register_model
from tests.factories import make_problem, make_project, make_run, make_solution

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    project = make_project("school")
    make_problem(project, "Ann has 3 pens and buys 4. How many?", reference_answer="7")
    return project


def said(*line: str) -> str:
    output = StringIO()
    call_command(*line, stdout=output, stderr=output)
    return output.getvalue()


SAMPLE = ("sample", "--project", "school", "--engine", "scripted", "--wait")


def test_sample_draws_and_says_what_it_cost(project: Project) -> None:
    assert "2 done, 0 failed" in said(*SAMPLE, "-n", "2")
    assert "nothing to add, 2 of 2 done before" in said(*SAMPLE, "-n", "2")


def test_sample_without_wait_leaves_the_work_to_the_workers(project: Project) -> None:
    assert "4 to do by the workers" in said(*SAMPLE[:-1])
    assert Run.objects.get().state == Run.State.QUEUED


def test_sample_keeps_every_option_with_its_run(project: Project) -> None:
    options = "--prompt prm800k --temperature 0.2 --top-p 0.9 --max-tokens 30 --stop END --seed 5"
    server = "--engine openai --model mine --base-url http://127.0.0.1:9/v1 --completions"
    line = f"sample --project school {server} {options} --splitter sentence --concurrency 3"
    said(*line.split())
    asked = Run.objects.get().request
    assert asked["decoding"] == {
        "temperature": 0.2,
        "top_p": 0.9,
        "max_tokens": 30,
        "stop": ["END"],
    }
    assert (asked["prompt"], asked["seed"], asked["splitter"]) == ("prm800k", 5, "sentence")
    assert asked["engine_config"] == {
        "model": "mine",
        "base_url": "http://127.0.0.1:9/v1",
        "chat": False,
        "concurrency": 3,
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-n", "0"], "'0' is not a whole number of 1 or more"),
        (["--batch-size", "-1"], "'-1' is not a whole number"),
        (["--temperature", "-1"], "temperature must be 0 or more"),
        (["--splitter", "nonsense"], "known: .*newline"),
        (["--engine", "nonsense"], "invalid choice: 'nonsense'"),
        (["--engine", "openai", "--model", "m"], "base_url"),
        (["--continue", "9:1"], "school has no solution 9"),
        (["--continue", "nine"], "write SOLUTION:STEPS"),
        (["--project", "nowhere"], "no project has the slug 'nowhere'"),
    ],
)
def test_sample_refuses_what_it_cannot_do_and_plans_nothing(
    project: Project, options: list[str], words: str
) -> None:
    with pytest.raises(CommandError, match=words):
        said(*SAMPLE, *options)
    assert not Run.objects.exists()


def test_failures_are_an_error_that_counts_the_reasons_each_time(project: Project) -> None:
    said(*SAMPLE, "-n", "1")
    Run.objects.update(failed=2, errors={"too long": 2})
    with pytest.raises(CommandError, match=r"2 of 1 failed:\n  2 x too long"):
        said(*SAMPLE, "-n", "1")


def test_label_registers_a_judge_by_its_own_name(project: Project) -> None:
    make_solution(project.problems.get(), ["3 + 4 = 7"])
    assert "1 done, 0 failed" in said(
        "label", "--project", "school", "--labeler", "arithmetic", "--wait"
    )
    assert Labeler.objects.get().judge == "arithmetic"


def test_label_lists_the_known_names(project: Project) -> None:
    said("register_labeler", "sums", "--judge", "arithmetic")
    with pytest.raises(CommandError, match=f"known: {', '.join(sorted([*JUDGES, 'sums']))}"):
        said("label", "--project", "school", "--labeler", "nobody")


def test_register_labeler_prints_the_uuid_and_refuses_wrong_settings() -> None:
    config = '{"annotations_only": true}'
    printed = said("register_labeler", "sums", "--judge", "arithmetic", "--config", config)
    assert str(Labeler.objects.get().uuid) in printed
    for wrong, words in (("{", "--config"), ("[]", "JSON object"), ('{"x": 1}', "'x'")):
        with pytest.raises(CommandError, match=words):
            said("register_labeler", "more", "--judge", "arithmetic", "--config", wrong)


def test_runs_lists_and_cancels(project: Project) -> None:
    assert "no runs yet" in said("runs")
    said(*SAMPLE[:-1])
    run = Run.objects.get()
    listed = said("runs", "--project", "school")
    assert "0 of 4" in listed
    assert "sampling, scripted" in listed
    Run.objects.update(completion_tokens=1234)
    assert " 1,234 " in said("runs")
    Run.objects.update(estimated_calls=1)
    assert "~1,234" in said("runs")
    Run.objects.update(errors={"too long": 2})
    assert f"run {run.pk}: 2 x too long" in said("runs")
    assert "cancelled" in said("runs", "--cancel", str(run.pk))
    with pytest.raises(CommandError, match="ended already"):
        said("runs", "--cancel", str(run.pk))
    with pytest.raises(CommandError, match="no run 999999"):
        said("runs", "--cancel", "999999")
    assert "4 done" in said(*SAMPLE)


def test_runs_pauses_resumes_and_tries_again(project: Project) -> None:
    said(*SAMPLE[:-1])
    run = str(Run.objects.get().pk)
    assert "paused" in said("runs", "--pause", run)
    with pytest.raises(CommandError, match="nothing to pause"):
        said("runs", "--pause", run)
    with pytest.raises(CommandError, match="a price"):
        said("runs", "--resume", run, "--budget", "3")
    assert "goes on" in said("runs", "--resume", run)
    with pytest.raises(CommandError, match="going on already"):
        said("runs", "--resume", run)
    with pytest.raises(CommandError, match="Nothing of this run has failed"):
        said("runs", "--retry", run)
    with pytest.raises(CommandError, match="--budget goes with --resume"):
        said("runs", "--budget", "3")


def test_runs_shows_cost_pace_and_what_waits(project: Project) -> None:
    run = make_run(
        project,
        kind=Run.Kind.LABELLING,
        request={"name": "critic", "judge": "arithmetic", "currency": "USD"},
        state=Run.State.RUNNING,
        total=100,
        done=20,
        money=Decimal("1.5"),
        budget=Decimal(4),
        started_at=timezone.now() - timedelta(minutes=2),
    )
    past = timezone.now() - timedelta(minutes=1)
    make_slice = run.slices.create
    make_slice(number=0, payload=[1] * 20, state="finished", settled=20, finished_at=past)
    make_slice(number=1, payload=[7], tries=1, failures=[{"reason": "busy"}])
    listed = said("runs")
    for words in ("labelling, critic", "20 of 100", "8 min", "1.50 of 4.00 USD"):
        assert words in listed
    assert f"run {run.pk}: 1 to be tried again: busy" in listed


def test_label_keeps_to_a_budget(project: Project) -> None:
    make_solution(project.problems.get())
    label = ("label", "--project", "school", "--labeler")
    with pytest.raises(CommandError, match="needs a price"):
        said(*label, "arithmetic", "--budget", "2")
    with pytest.raises(CommandError, match="'-2' is not an amount of money"):
        said(*label, "arithmetic", "--budget=-2")
    price = {"prompt_per_1k": 1, "completion_per_1k": 2, "currency": "EUR"}
    register_model(name="dear", judge="arithmetic", config={"price": price})
    assert "1 done, 0 failed, 0.00 EUR" in said(*label, "dear", "--budget", "2.5", "--wait")
    assert Run.objects.get(request__name="dear").budget == Decimal("2.5")
    assert not Run.objects.filter(request__name="arithmetic").exists()


def test_waiting_for_a_run_that_was_paused_says_what_is_left(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pausing(piece: RunSlice) -> Callable[[], Made]:
        piece.run.pause()
        return partial(Made, done=len(piece.payload))

    monkeypatch.setitem(run_kinds.SLICE_WORK, Run.Kind.SAMPLING, pausing)
    with pytest.raises(CommandError, match=r"was paused, \d+ left"):
        said(*SAMPLE, "-n", "200")


def test_an_interrupted_run_says_how_far_it_came(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(run: Run, title: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("annotation.management.running.work_through", interrupted)
    with pytest.raises(CommandError, match="stopped at 0 of 4; the same command resumes") as error:
        said(*SAMPLE)
    assert error.value.returncode == 130
