"""What a model labeler leaves unmarked goes on without it, and back when it is tried again."""

from collections.abc import Callable

import pytest

from annotation import labelling, run_control, run_pace, runs, webhooks
from annotation.models import Assignment, Project, Reconsideration, Run, RunSlice, Solution
from annotation.run_pace import Failure
from labelers.models import Labeler
from tests.annotation.routed import catch_up, claimed, judged, make_routed, slots_of, verdicts_of
from tests.factories import make_annotation, make_solution, make_user
from web.models import Delivery

pytestmark = pytest.mark.django_db

POLICY = {"first": ["prm", "judge"], "people": [{"how_many": 1}]}
GOES_ON = "people 1: rest"


@pytest.fixture
def project() -> Project:
    """Return a project of which `prm` has marked all, and `judge` nothing yet."""
    project = make_routed(POLICY, n=2)
    catch_up(project)
    for solution in project.solutions.all():
        judged(solution, "prm", 1)
    catch_up(project)
    assert slots_of(project) == []
    return project


@pytest.fixture
def run(project: Project) -> Run:
    return project.runs.get(request__name="judge")


def solutions_of(project: Project) -> list[Solution]:
    return list(project.solutions.order_by("pk"))


def waiting(project: Project) -> set[int]:
    """Return the solutions that go to nobody but the models."""
    catch_up(project)
    return {one.pk for one in solutions_of(project)} - {pk for pk, _ in slots_of(project)}


def everything(project: Project) -> set[int]:
    return {one.pk for one in solutions_of(project)}


def listen(project: Project) -> None:
    """Have a webhook told of every run that ends."""
    url, boss = "https://hooks.example.org", make_user()
    webhooks.make_webhook(project=project, url=url, events=["run.finished"], user=boss)


def slots(run: Run) -> dict[str, str]:
    found = Assignment.objects.filter(labeler__name="judge").order_by("pk")
    return dict(found.values_list("state", "error"))


def fail(run: Run, *, transient: bool) -> None:
    """Take the next slice and fail all of it."""
    RunSlice.objects.update(not_before=None)
    piece = runs.claim(run.pk)
    assert piece is not None
    failures = [
        Failure(entry=entry, reason="It has no head.", transient=transient)
        for entry in piece.payload
    ]
    assert runs.finish(piece, lambda: runs.Made(done=0, failures=failures), work_ms=1)
    run.refresh_from_db()


def break_off(run: Run, error: Exception) -> None:
    def raises(piece: RunSlice) -> None:
        raise error

    piece = runs.claim(run.pk)
    assert piece is not None
    runs.work(piece, raises)  # type: ignore[arg-type] # it returns nothing
    run.refresh_from_db()


def test_what_a_judge_cannot_mark_goes_on_at_once(project: Project, run: Run) -> None:
    fail(run, transient=False)
    assert slots(run) == {"failed": "It has no head."}
    assert waiting(project) == set()
    assert {reason for _, reason in slots_of(project)} == {GOES_ON}


def test_what_fails_for_passing_reasons_goes_on_once_its_tries_are_used_up(
    project: Project, run: Run
) -> None:
    for _ in range(run_pace.RETRIES):
        fail(run, transient=True)
        assert slots(run) == {"open": ""}
        assert waiting(project) == everything(project)
    fail(run, transient=True)
    assert slots(run) == {"failed": "It has no head."}
    assert waiting(project) == set()


def test_what_a_judge_breaks_on_goes_on(project: Project, run: Run) -> None:
    break_off(run, ValueError("no head"))
    assert slots(run) == {"failed": "ValueError: no head"}
    assert waiting(project) == set()


@pytest.mark.parametrize("again", ["retry", "ask"])
def test_what_is_tried_again_is_waited_for_again_and_people_keep_what_they_have(
    project: Project, run: Run, again: str
) -> None:
    for _ in range(run_pace.RETRIES + 1):
        fail(run, transient=True)
    catch_up(project)
    held = claimed(project)
    if again == "retry":
        run_control.retry_failed(run)
    else:
        labelling.request(project=project, labeler=Labeler.objects.get(name="judge"))
    assert slots(run) == {"open": ""}
    before = list(project.assignments.for_people().order_by("pk").values())
    Reconsideration.objects.ask_for_all(project, project.solutions.values("pk"))
    catch_up(project)
    assert list(project.assignments.for_people().order_by("pk").values()) == before
    held.refresh_from_db()
    assert held.is_open


def test_routing_more_does_not_try_again_what_had_failed(project: Project, run: Run) -> None:
    for _ in range(run_pace.RETRIES + 1):
        fail(run, transient=True)
    make_solution(project.problems.get(), ["Another."])
    Reconsideration.objects.ask_for_all(project, project.solutions.values("pk"))
    catch_up(project)
    run.refresh_from_db()
    assert (run.failed, run.left) == (2, 1)
    assert slots(run) == {"failed": "It has no head.", "open": ""}


def test_a_paused_run_is_waited_for(project: Project, run: Run) -> None:
    run_control.pause(run)
    Reconsideration.objects.ask_for_all(project, project.solutions.values("pk"))
    assert waiting(project) == everything(project)


def test_what_a_cancelled_run_leaves_goes_on_and_is_marked_when_it_is_taken_up(
    project: Project, run: Run
) -> None:
    run_control.cancel(run)
    assert waiting(project) == set()
    assert slots(run) == {"open": ""}
    run_control.resume(run)
    first, second = solutions_of(project)
    judged(first, "judge", 1)
    judged(second, "judge", 2)
    catch_up(project)
    assert {pk for pk, _ in slots_of(project)} == {first.pk, second.pk}
    assert verdicts_of(first) == []


def test_what_a_run_that_cannot_go_on_leaves_goes_on(project: Project, run: Run) -> None:
    break_off(run, runs.CannotRun("it has no head"))
    assert run.state == Run.State.FAILED
    assert slots(run) == {"open": ""}
    assert waiting(project) == set()


def test_a_run_that_stops_early_is_not_waited_for(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_pace, "ALL_FAILED", 1)
    first, second = run.slices.get().payload
    RunSlice.objects.filter(run=run).update(payload=[first])
    RunSlice.objects.create(run=run, number=7, payload=[second])
    fail(run, transient=False)
    assert run.state == Run.State.FAILED
    assert slots(run) == {"failed": "It has no head.", "open": ""}
    assert waiting(project) == set()


@pytest.mark.parametrize("stop", [run_control.cancel, Run.fail])
def test_what_a_run_leaves_goes_on_again_once_it_has_tried_again_what_failed(
    project: Project, run: Run, stop: Callable[..., object]
) -> None:
    listen(project)
    first, second = run.slices.get().payload
    RunSlice.objects.filter(run=run).update(payload=[first])
    RunSlice.objects.create(run=run, number=7, payload=[second])
    fail(run, transient=False)
    stop(run, *(["it has no head"] if stop == Run.fail else []))
    run_control.retry_failed(run)
    Reconsideration.objects.ask_for_all(project, project.solutions.values("pk"))
    assert waiting(project) == everything(project)
    told = Delivery.objects.count()
    run.refresh_from_db()
    runs.work_here(run, labelling.judge_slice)
    assert (run.state, run.left) == (Run.State.CANCELLED, 1)
    assert waiting(project) == set()
    assert Delivery.objects.count() == told + 1


def test_a_run_that_is_stopped_while_it_tries_again_stays_as_it_was_stopped(
    project: Project, run: Run
) -> None:
    first, second = run.slices.get().payload
    RunSlice.objects.filter(run=run).update(payload=[first])
    RunSlice.objects.create(run=run, number=7, payload=[second])
    fail(run, transient=False)
    run_control.pause(run)
    run_control.retry_failed(run)
    piece = runs.claim(run.pk)
    assert piece is not None
    run.refresh_from_db()
    run_control.cancel(run)
    assert runs.work(piece, labelling.judge_slice)
    run.refresh_from_db()
    assert run.state == Run.State.CANCELLED


def test_a_run_that_cannot_go_on_says_so_once(project: Project, run: Run) -> None:
    listen(project)
    first, second = run.slices.get().payload
    RunSlice.objects.filter(run=run).update(payload=[first])
    RunSlice.objects.create(run=run, number=7, payload=[second])
    pieces = [runs.claim(run.pk), runs.claim(run.pk)]
    for piece in pieces:
        assert piece is not None
        runs.stop_run(piece, "it has no head")
        Reconsideration.objects.filter(project=project).delete()
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize(("state", "waits"), [("paused", True), ("cancelled", False)])
def test_what_comes_in_while_a_run_is_stopped(
    project: Project, run: Run, state: str, waits: bool
) -> None:
    Run.objects.filter(pk=run.pk).update(state=state)
    made = make_solution(project.problems.get(), ["Another."])
    make_annotation(made, Labeler.objects.get(name="prm"), ratings=[-1])
    Reconsideration.objects.ask_for(project, [made.pk])
    assert (made.pk in waiting(project)) == waits
    assert made.assignments.get(labeler__name="judge").state == "open"


def test_a_labeler_that_was_retired_without_a_successor_is_not_waited_for(
    project: Project, run: Run
) -> None:
    Labeler.objects.get(name="judge").retire()
    Reconsideration.objects.ask_for_all(project, project.solutions.values("pk"))
    assert waiting(project) == set()


def test_a_run_of_another_project_that_was_cancelled_changes_nothing(
    project: Project, run: Run
) -> None:
    other = make_routed(POLICY, n=1)
    catch_up(other)
    run_control.cancel(run)
    (solution,) = solutions_of(other)
    judged(solution, "prm", 1)
    assert waiting(other) == everything(other)
