"""Route, pause, resume, and taking solutions out of people's hands."""

import pytest
from django.utils import timezone

from annotation.models import Assignment, Lease, Project
from tests.annotation.managing import REFUSED, manager_of, refusals
from tests.factories import (
    make_assignment,
    make_labeler,
    make_lease,
    make_problem,
    make_project,
    make_solution,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    project = make_project("algebra", overlap=2)
    problem = make_problem(project)
    for number in range(3):
        make_solution(problem, [f"Step {number}."])
    return project


@pytest.fixture
def lease(project: Project) -> Lease:
    solution = project.solutions.first()
    assert solution is not None
    return make_lease(make_assignment(solution), make_labeler("Bob", user=make_user("bob")))


def addresses(lease: Lease) -> list[str]:
    ends = [
        "route",
        "pause",
        "resume",
        "restore",
        f"leases/{lease.pk}/release",
        f"labelers/{lease.labeler_id}/release",
    ]
    return [f"/projects/algebra/{end}/" for end in ends]


def test_only_managers_may_press_a_button(project: Project, lease: Lease) -> None:
    for address in addresses(lease):
        assert refusals(project, "post", address) == REFUSED, address
    lease.refresh_from_db()
    project.refresh_from_db()
    assert lease.is_open
    assert project.paused_at is None
    assert Assignment.objects.count() == 1


def test_looking_at_the_address_of_a_button_presses_nothing(lease: Lease) -> None:
    client = manager_of(lease.project)
    for address in addresses(lease):
        assert client.get(address).status_code == 405, address
    lease.refresh_from_db()
    assert lease.is_open


def test_route_makes_the_missing_slots_once(project: Project) -> None:
    client = manager_of(project)
    first = client.post("/projects/algebra/route/", follow=True).content.decode()
    assert Assignment.objects.open().filter(project=project).count() == 6
    assert "6 new slots of work." in first
    again = client.post("/projects/algebra/route/", follow=True).content.decode()
    assert Assignment.objects.count() == 6
    assert "Every solution has its slots already." in again


def test_pause_and_resume_change_what_is_given_out(project: Project) -> None:
    client = manager_of(project)
    client.post("/projects/algebra/pause/")
    project.refresh_from_db()
    paused = project.paused_at
    assert paused is not None
    client.post("/projects/algebra/pause/")
    project.refresh_from_db()
    assert project.paused_at == paused, "a second press does not begin the pause anew"
    client.post("/projects/algebra/resume/")
    project.refresh_from_db()
    assert project.paused_at is None


def test_a_released_solution_opens_again_and_keeps_its_draft(lease: Lease) -> None:
    Lease.objects.filter(pk=lease.pk).update(draft={"marks": {}}, draft_version=3)
    client = manager_of(lease.project)
    said = client.post(f"/projects/algebra/leases/{lease.pk}/release/", follow=True)
    lease.refresh_from_db()
    assert lease.outcome == Lease.Outcome.RELEASED
    assert lease.draft_version == 3
    assert lease.assignment.state == Assignment.State.OPEN
    assert "Released." in said.content.decode()


def test_releasing_what_has_ended_says_so_and_changes_nothing(lease: Lease) -> None:
    lease.end(Lease.Outcome.SUBMITTED)
    said = manager_of(lease.project).post(
        f"/projects/algebra/leases/{lease.pk}/release/", follow=True
    )
    lease.refresh_from_db()
    assert lease.outcome == Lease.Outcome.SUBMITTED
    assert "ended already" in said.content.decode()


def test_a_hold_of_another_project_is_not_found(lease: Lease) -> None:
    client = manager_of(make_project("geometry"))
    for end in (f"leases/{lease.pk}", f"labelers/{lease.labeler_id}"):
        assert client.post(f"/projects/geometry/{end}/release/").status_code == 404
    lease.refresh_from_db()
    assert lease.is_open


def test_all_that_one_labeler_holds_is_released_and_nothing_of_others(
    project: Project, lease: Lease
) -> None:
    second, third = project.solutions.order_by("pk")[1:]
    also = make_lease(make_assignment(second), lease.labeler)
    others = make_lease(make_assignment(third), make_labeler(user=make_user()))
    said = manager_of(project).post(
        f"/projects/algebra/labelers/{lease.labeler_id}/release/", follow=True
    )
    assert "2 solutions released." in said.content.decode()
    assert set(Lease.objects.open()) == {others}
    assert set(Lease.objects.exclude(ended_at=None)) == {lease, also}


def test_restoring_an_archived_project_makes_it_current(project: Project) -> None:
    Project.objects.update(archived_at=timezone.now())
    manager_of(project).post("/projects/algebra/restore/")
    project.refresh_from_db()
    assert project.archived_at is None
