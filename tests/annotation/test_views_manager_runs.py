"""The Runs that a manager's buttons begin: told at once, stopped and resumed."""

import pytest
from django.test import Client

from annotation import routing, run_kinds, runs
from annotation.models import Assignment, Project, Run
from tests.annotation.managing import manager_of, member_of
from tests.factories import make_problem, make_project, make_solution

pytestmark = pytest.mark.django_db
PAGE = "/projects/algebra/"
GOES_ON = "This goes on by itself"


@pytest.fixture(autouse=True)
def small_slices_and_patient_managers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "UNITS_A_SLICE", 1)
    monkeypatch.setattr(run_kinds, "AT_ONCE_S", 600)


@pytest.fixture
def left_to_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin nothing while somebody waits, as where it would take longer than that."""
    monkeypatch.setattr(run_kinds, "AT_ONCE_S", 0)


@pytest.fixture
def project() -> Project:
    project = make_project("algebra")
    problem = make_problem(project)
    for number in range(3):
        make_solution(problem, [f"Step {number}."])
    return project


@pytest.fixture
def client(project: Project) -> Client:
    return manager_of(project)


def post(client: Client, run: Run, end: str) -> None:
    assert client.post(f"{PAGE}runs/{run.pk}/{end}/").status_code == 302
    run.refresh_from_db()


def work_on(run: Run) -> None:
    piece = runs.claim(run.pk)
    assert piece is not None
    runs.work(piece, routing.route_slice)


@pytest.mark.usefixtures("left_to_workers")
def test_what_takes_longer_is_left_to_workers_and_the_page_says_how_far_it_is(
    project: Project, client: Client
) -> None:
    page = client.post(f"{PAGE}route/", follow=True).content.decode()
    assert GOES_ON in page
    assert not Assignment.objects.exists()
    run = Run.objects.get()
    work_on(run)
    page = client.get(PAGE).content.decode()
    assert "1 / 3 batches" in page
    assert f"/runs/{run.pk}/cancel/" in page
    assert f"/runs/{run.pk}/" not in member_of(project, "reader").get(PAGE).content.decode()


@pytest.mark.usefixtures("left_to_workers")
def test_settings_are_saved_at_once_though_the_queue_follows_later(
    project: Project, client: Client
) -> None:
    routing.route(project=project)
    form = client.get(f"{PAGE}settings/").context["form"]
    typed = {name: form[name].value() for name in form.fields}
    typed = {name: value for name, value in typed.items() if value not in (None, False)}
    answer = client.post(f"{PAGE}settings/", {**typed, "overlap": 2}, follow=True)
    assert "The queue follows by itself" in answer.content.decode()
    project.refresh_from_db()
    assert project.overlap == 2
    assert Assignment.objects.count() == 3
    run = project.runs.latest("pk")
    assert run.created_by is not None
    runs.work_here(run, routing.route_slice)
    assert Assignment.objects.count() == 6


def test_a_stopped_run_keeps_what_it_made_and_is_resumed_from_there(
    project: Project, client: Client
) -> None:
    run = routing.request(project=project)
    work_on(run)
    post(client, run, "cancel")
    run.refresh_from_db()
    assert (run.state, Assignment.objects.count()) == ("cancelled", 1)
    assert f"/runs/{run.pk}/resume/" in client.get(PAGE).content.decode()
    post(client, run, "resume")
    runs.work_here(run, routing.route_slice)
    assert (run.state, run.done, Assignment.objects.count()) == ("finished", 3, 3)


def test_a_stopped_run_that_is_asked_for_again_tells_only_what_is_new(
    project: Project, client: Client
) -> None:
    run = routing.request(project=project)
    work_on(run)
    post(client, run, "cancel")
    assert "2 new slots of work." in client.post(f"{PAGE}route/", follow=True).content.decode()
    again = routing.request(project=project)
    post(client, again, "cancel")
    form = client.get(f"{PAGE}settings/").context["form"]
    typed = {name: form[name].value() for name in form.fields}
    typed = {name: value for name, value in typed.items() if value not in (None, False)}
    answer = client.post(f"{PAGE}settings/", {**typed, "overlap": 2}, follow=True)
    assert "3 slots more" in answer.content.decode()
    assert run.grown == 1


def test_a_failure_is_told_and_can_be_tried_again(
    project: Project, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(routing, "_withdraw", lambda *_: 1 / 0)
        page = client.post(f"{PAGE}route/", follow=True).content.decode()
    assert "Not all of it was done" in page
    assert "division by zero" in page
    run = Run.objects.get()
    assert f"/runs/{run.pk}/retry/" in client.get(PAGE).content.decode()
    post(client, run, "retry")
    runs.work_here(run, routing.route_slice)
    assert Assignment.objects.count() == 3
