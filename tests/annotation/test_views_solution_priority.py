import pytest
from django.test import Client
from django.urls import reverse

from annotation import routing
from annotation.models import Assignment, Membership, Project, Solution
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
def project(client: Client) -> Project:
    ada = make_user("ada")
    client.force_login(ada)
    return make_project("algebra", members={ada: "manager"})


@pytest.fixture
def solution(project: Project) -> Solution:
    return make_solution(make_problem(project))


def send(client: Client, solution: Solution, priority: str) -> tuple[int, str | None]:
    """Send the priority; return the status, and the address that the answer leads to."""
    address = reverse("solution_priority", args=[solution.project.slug, solution.pk])
    response = client.post(address, {"priority": priority})
    return response.status_code, response.headers.get("Location")


def test_a_solution_goes_first_last_and_to_its_usual_place(
    client: Client, solution: Solution
) -> None:
    slot = make_assignment(solution, priority=0.25)
    other = make_assignment(make_solution(solution.problem, ["X."]), priority=0.5)
    seen = []
    for priority in ("first", "last", "usual"):
        page = f"/projects/algebra/solutions/{solution.pk}/"
        assert send(client, solution, priority) == (302, page)
        slot.refresh_from_db()
        seen.append(slot.priority)
    assert seen == [routing.FIRST, routing.LAST, 0]
    assert Assignment.objects.get(pk=other.pk).priority == 0.5


def test_the_page_says_how_many_slots_wait_and_at_which_place(
    client: Client, solution: Solution
) -> None:
    address = f"/projects/algebra/solutions/{solution.pk}/"
    assert "No slot of it is open." in client.get(address).content.decode()
    make_assignment(solution, priority=0.25)
    make_lease(make_assignment(solution), make_labeler())
    page = client.get(address).content.decode()
    assert "1 open slot," in page
    assert "priority 0.25" in page


@pytest.mark.parametrize("priority", ["", "1000", "nan", "highest"])
def test_another_place_is_refused(client: Client, solution: Solution, priority: str) -> None:
    slot = make_assignment(solution, priority=0.25)
    assert send(client, solution, priority) == (400, None)
    assert Assignment.objects.get(pk=slot.pk).priority == 0.25


@pytest.mark.parametrize("role", ["reviewer", "labeler", "reader"])
def test_only_managers_set_it(client: Client, solution: Solution, role: str) -> None:
    slot = make_assignment(solution, priority=0.25)
    user = make_user()
    Membership.objects.create(user=user, project=solution.project, role=role)
    client.force_login(user)
    assert send(client, solution, "first") == (403, None)
    assert Assignment.objects.get(pk=slot.pk).priority == 0.25
    page = client.get(f"/projects/algebra/solutions/{solution.pk}/").content.decode()
    assert "Place in the queue" not in page


def test_outsiders_and_managers_of_other_projects_find_nothing(
    client: Client, solution: Solution
) -> None:
    user = make_user()
    client.force_login(user)
    assert send(client, solution, "first") == (404, None)
    make_project(members={user: "manager"})
    assert send(client, solution, "first") == (404, None)


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_it_is_only_posted_to(client: Client, solution: Solution, method: str) -> None:
    address = reverse("solution_priority", args=["algebra", solution.pk])
    assert getattr(client, method)(address).status_code == 405
