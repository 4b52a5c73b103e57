"""Another way of marking: nothing is given out before every slot of the former one is withdrawn."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from annotation import changes, ending, leases, routing, run_control, runs
from annotation.models import Annotation, Assignment, Lease, Project, Run
from labelers.models import Labeler
from labelers.registration import labeler_of
from tests.annotation.locks import wait_for_a_lock
from tests.annotation.managing import manager_of
from tests.factories import make_problem, make_project, make_solution, make_user

pytestmark = pytest.mark.django_db
RESUME = "/projects/algebra/resume/"


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "UNITS_A_SLICE", 1)


def routed() -> Project:
    project = make_project("algebra", mode=Project.Mode.REVIEW)
    for number in range(3):
        make_solution(make_problem(project, f"Problem {number}?"), [f"Step {number}."])
    routing.route(project=project)
    return project


@pytest.fixture
def project() -> Project:
    return routed()


def explore(project: Project) -> Run | None:
    return changes.change_settings(
        project=project,
        seen=changes.settings_of(project),
        wanted={"mode": Project.Mode.EXPLORE},
        user=make_user(),
    )


def explored(project: Project) -> Run:
    run = explore(project)
    assert run is not None
    return run


def work_on(run: Run) -> None:
    piece = runs.claim(run.pk)
    assert piece is not None
    runs.work(piece, routing.route_slice)


def claim(project: Project) -> Lease | None:
    return leases.claim_next(labeler=labeler_of(make_user()), project=project)


def is_paused(project: Project) -> bool:
    project.refresh_from_db()
    return project.paused_at is not None


def test_the_request_withdraws_nothing_and_nobody_gets_a_slot_until_the_last_slice(
    project: Project,
) -> None:
    run = explored(project)
    assert Assignment.objects.open().count() == 3
    for _ in range(3):
        assert claim(project) is None
        work_on(run)
    lease = claim(project)
    assert lease is not None
    assert lease.solution.built
    assert not is_paused(project)


def test_a_project_that_was_paused_before_stays_so(project: Project) -> None:
    changes.pause(project)
    runs.work_here(explored(project), routing.route_slice)
    assert is_paused(project)
    changes.resume(project)
    assert claim(project) is not None


def test_a_stopped_run_leaves_the_project_paused_and_no_button_opens_it(project: Project) -> None:
    run = explored(project)
    work_on(run)
    run.cancel()
    page = manager_of(project).post(RESUME, follow=True).content.decode()
    assert "former way of marking" in page
    assert is_paused(project)
    runs.work_here(run_control.resume(run), routing.route_slice)
    assert not is_paused(project)


def test_a_failed_slice_keeps_the_project_paused_until_it_is_tried_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = explored(project)
    with monkeypatch.context() as broken:
        broken.setattr(routing, "_withdraw", lambda *_: 1 / 0)
        work_on(run)
    runs.work_here(run, routing.route_slice)
    assert run.failed == 1
    assert is_paused(project)
    again = routing.request(project=project)
    assert again != run
    runs.work_here(again, routing.route_slice)
    assert not is_paused(project)


def test_a_pause_that_began_later_is_not_ended(project: Project) -> None:
    run = explored(project)
    work_on(run)
    run.cancel()
    Project.objects.filter(pk=project.pk).update(paused_at=None)
    changes.pause(project)
    runs.work_here(run_control.resume(run), routing.route_slice)
    assert run.slices.unfinished().count() == 0
    assert is_paused(project)


def test_settings_that_change_in_the_midst_do_not_forget_the_pause(project: Project) -> None:
    work_on(explored(project))
    project.refresh_from_db()
    run = changes.change_settings(
        project=project,
        seen=changes.settings_of(project),
        wanted={"overlap": 2},
        user=make_user(),
    )
    assert run is not None
    runs.work_here(run, routing.route_slice)
    assert not is_paused(project)
    assert Assignment.objects.open().count() == 6


def test_a_hold_that_ran_out_is_not_regained_in_another_mode(project: Project) -> None:
    lease = claim(project)
    assert lease is not None
    ending.release(lease)
    explored(project)
    lease.refresh_from_db()
    assert leases.regain(lease) is None
    assert not Annotation.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_claim_that_is_under_way_is_waited_for_and_wins() -> None:
    project = routed()
    labeler = labeler_of(make_user())
    with ThreadPoolExecutor() as managers:
        with transaction.atomic():
            assert leases.claim_next(labeler=labeler, project=project) is not None
            changed = managers.submit(explore_and_close, project)
            wait_for_a_lock()
        with pytest.raises(changes.InUse):
            changed.result()
    project.refresh_from_db()
    assert (project.mode, project.paused_at) == ("review", None)


@pytest.mark.django_db(transaction=True)
def test_a_claim_that_comes_in_the_midst_of_the_change_gets_nothing() -> None:
    project = routed()
    labeler = labeler_of(make_user())
    with ThreadPoolExecutor() as people:
        with transaction.atomic():
            explored(project)
            claimed = people.submit(claim_and_close, labeler, project)
            wait_for_a_lock()
        assert claimed.result() is None
    assert not Lease.objects.exists()


def explore_and_close(project: Project) -> Run | None:
    try:
        return explore(project)
    finally:
        connection.close()


def claim_and_close(labeler: Labeler, project: Project) -> Lease | None:
    try:
        return leases.claim_next(labeler=labeler, project=project)
    finally:
        connection.close()
