"""Routing as a Run: in batches that may be lost, taken again, stopped and overtaken."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from annotation import leases, routing, run_control, runs
from annotation.models import Assignment, Project, Run, RunSlice
from labelers.registration import labeler_of
from tests.annotation.locks import wait_for_a_lock
from tests.factories import make_problem, make_project, make_solution, make_user

pytestmark = pytest.mark.django_db
SOLUTIONS = 6


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "UNITS_A_SLICE", 2)


@pytest.fixture
def project() -> Project:
    return filled(overlap=2)


def filled(overlap: int) -> Project:
    project = make_project(overlap=overlap)
    problem = make_problem(project)
    for number in range(SOLUTIONS):
        make_solution(problem, [f"Step {number}."])
        make_solution(make_problem(make_project()))  # ids of one project do not follow each other
    return project


def change(project: Project, **fields: object) -> None:
    Project.objects.filter(pk=project.pk).update(**fields)


def take(run: Run) -> RunSlice:
    piece = runs.claim(run.pk)
    assert piece is not None
    return piece


def do(piece: RunSlice) -> bool:
    return runs.work(piece, routing.route_slice)


def finish(run: Run) -> Run:
    run.refresh_from_db()
    runs.work_here(run, routing.route_slice)
    return run


def slots(project: Project) -> dict[int, int]:
    """Return how many slots each solution of the project has that count."""
    counted = Assignment.objects.for_people().counted()
    return {
        number: counted.filter(solution=solution).count()
        for number, solution in enumerate(project.solutions.written().order_by("pk"))
    }


def everywhere(number: int) -> dict[int, int]:
    return dict.fromkeys(range(SOLUTIONS), number)


def test_each_slice_makes_the_slots_of_its_own_solutions(project: Project) -> None:
    run = routing.request(project=project)
    assert slots(project) == everywhere(0)
    assert do(take(run))
    assert slots(project) == {0: 2, 1: 2, 2: 0, 3: 0, 4: 0, 5: 0}
    finish(run)
    assert slots(project) == everywhere(2)
    assert (run.state, run.done, run.total, run.grown) == ("finished", 3, 3, 12)
    assert Assignment.objects.count() == 12, "other projects get no slots"


def test_a_project_with_nothing_to_route_is_done_at_once() -> None:
    run = routing.request(project=make_project())
    assert (run.state, run.total) == ("finished", 0)


def test_the_same_request_twice_is_one_run_and_makes_nothing_twice(project: Project) -> None:
    first, second = routing.request(project=project), routing.request(project=project)
    assert first == second
    assert do(take(first))
    third = routing.request(project=project)
    assert third == first
    finish(third)
    assert slots(project) == everywhere(2)
    assert (third.done, third.total, third.grown) == (3, 3, 12)


def test_a_request_after_the_end_is_a_run_of_its_own(project: Project) -> None:
    first = finish(routing.request(project=project))
    again = finish(routing.request(project=project))
    assert again != first
    assert (first.grown, again.grown) == (12, 0)


@pytest.mark.django_db(transaction=True)
def test_two_requests_in_the_same_moment_are_one_run() -> None:
    project = filled(overlap=2)
    with ThreadPoolExecutor() as managers:
        with transaction.atomic():
            first = routing.request(project=project)
            second = managers.submit(request_and_close, project)
            wait_for_a_lock()
        assert second.result() == first
    run = finish(first)
    assert (run.done, run.total) == (3, 3)
    assert slots(project) == everywhere(2)


def request_and_close(project: Project) -> Run:
    try:
        return routing.request(project=project)
    finally:
        connection.close()


@pytest.mark.parametrize(("before", "after"), [(3, 1), (1, 3)])
def test_an_overlap_that_changes_in_the_midst_is_that_of_all_in_the_end(
    project: Project, before: int, after: int
) -> None:
    change(project, overlap=before)
    run = routing.request(project=project)
    assert do(take(run))
    late = take(run)
    change(project, overlap=after)
    assert routing.request(project=project) == run
    assert do(late), "what was in work may end, by the overlap of now"
    finish(run)
    assert slots(project) == everywhere(after)
    assert (run.state, run.done, run.total) == ("finished", 4, 4)
    assert run.grown == after * SOLUTIONS


def test_a_slice_of_a_way_of_marking_that_was_left_does_nothing(project: Project) -> None:
    run = routing.request(project=project)
    # As if the problems had ids of the same range.
    run.slices.update(payload=[(Project.Mode.REVIEW, 0, 2**40)])
    late = take(run)
    change(project, mode=Project.Mode.EXPLORE)
    assert do(late)
    assert not Assignment.objects.exists()
    assert routing.request(project=project) == run
    finish(run)
    assert slots(project) == everywhere(0)
    assert project.solutions.filter(built=True).count() == 2


def test_a_slice_that_fails_in_the_midst_leaves_nothing_and_is_taken_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = routing.request(project=project)
    piece = take(run)
    with monkeypatch.context() as broken:
        broken.setattr(routing, "_withdraw", lambda *_: 1 / 0)
        runs.work(piece, routing.route_slice)
    assert slots(project) == everywhere(0)
    finish(run)
    assert (run.done, run.failed, run.is_whole) == (2, 1, False)
    with pytest.raises(runs.RunFailed, match="1 x ZeroDivisionError"):
        runs.check_done(run)
    run = finish(run_control.retry_failed(run))
    assert (run.done, run.failed, run.total) == (3, 0, 3)
    assert slots(project) == everywhere(2)


def test_a_cancelled_run_leaves_whole_batches_and_goes_on_where_it_stopped(
    project: Project,
) -> None:
    run = routing.request(project=project)
    do(take(run))
    late = take(run)
    assert run.cancel()
    assert runs.claim(run.pk) is None
    assert do(late), "what was in work may end"
    assert slots(project) == {0: 2, 1: 2, 2: 2, 3: 2, 4: 0, 5: 0}
    resumed = finish(run_control.resume(run))
    assert (resumed, resumed.done, resumed.total) == (run, 3, 3)
    assert slots(project) == everywhere(2)


def test_asking_again_resumes_what_was_cancelled(project: Project) -> None:
    run = routing.request(project=project)
    do(take(run))
    run.cancel()
    assert routing.request(project=project) == run
    finish(run)
    assert slots(project) == everywhere(2)


def test_a_resumed_run_finds_solutions_that_came_since(project: Project) -> None:
    run = routing.request(project=project)
    do(take(run))
    run.cancel()
    make_solution(project.problems.get(), ["Late."])
    run = finish(run_control.resume(run))
    assert slots(project) == dict.fromkeys(range(SOLUTIONS + 1), 2)
    assert (run.is_whole, run.done, run.total) == (True, 4, 4)


def break_one(project: Project, monkeypatch: pytest.MonkeyPatch) -> Run:
    run = routing.request(project=project)
    with monkeypatch.context() as broken:
        broken.setattr(routing, "_withdraw", lambda *_: 1 / 0)
        do(take(run))
    return finish(run)


def test_while_an_older_run_is_tried_again_a_request_reopens_none_that_was_done(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = break_one(project, monkeypatch)
    newer = finish(routing.request(project=project))
    run_control.retry_failed(older)
    third = finish(routing.request(project=project))
    assert third.pk not in {older.pk, newer.pk}
    assert third.is_whole


def test_an_older_run_that_was_stopped_is_the_one_that_is_resumed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = break_one(project, monkeypatch)
    newer = finish(routing.request(project=project))
    run_control.retry_failed(older).cancel()
    make_solution(project.problems.get(), ["Late."])
    older.refresh_from_db()
    assert run_control.resume(older) == older
    assert finish(older).is_whole
    assert slots(project) == dict.fromkeys(range(SOLUTIONS + 1), 2)
    newer.refresh_from_db()
    assert (newer.done, newer.grown) == (3, 4)


def test_a_resumed_request_tells_only_what_it_made_itself(project: Project) -> None:
    run = routing.request(project=project)
    do(take(run))
    run.cancel()
    assert routing.route(project=project) == 8
    run.refresh_from_db()
    assert run.grown == 12


@pytest.mark.parametrize("mode", ["explore", "review"])
def test_each_slice_withdraws_what_is_open_of_a_former_mode(project: Project, mode: str) -> None:
    change(project, mode="review" if mode == "explore" else "explore")
    before = routing.route(project=project)
    former = set(Assignment.objects.values_list("pk", flat=True))
    change(project, mode=mode)
    run = finish(routing.request(project=project))
    assert run.is_whole
    withdrawn = Assignment.objects.filter(state=Assignment.State.WITHDRAWN)
    assert set(withdrawn.values_list("pk", flat=True)) == former
    now = Assignment.objects.open()
    assert {slot.solution.built for slot in now} == {mode == "explore"}
    assert run.grown == now.count() - before


def test_a_better_slot_is_seen_at_once_by_who_has_read_past_its_place(project: Project) -> None:
    change(project, queue_order=Project.Order.CONVINCING, overlap=1)
    project.refresh_from_db()
    labeler = labeler_of(make_user())
    worst = project.solutions.order_by("pk")[5:]
    routing.route(project=project)
    project.assignments.exclude(solution__in=worst).delete()
    read_past = leases.claim_next(labeler=labeler, project=project)
    assert read_past is not None
    project.solutions.exclude(pk__in=worst).update(is_correct=False)
    run = routing.request(project=project)
    do(take(run))
    run.cancel()
    found = leases.claim_next(labeler=labeler, project=project, at_once=2)
    assert found is not None
    assert found.solution == project.solutions.earliest("pk")


def test_a_run_that_moves_and_makes_nothing_leaves_every_place_as_it_is(project: Project) -> None:
    routing.route(project=project)
    before = project.routing_round
    routing.route(project=project)
    assert project.routing_round == before
