import pytest
from django.test import Client
from django.urls import reverse

from annotation import ending, leases, routing
from annotation.models import Annotation, Assignment, Membership, Project, Solution
from labelers.registration import labeler_of
from tests.factories import (
    make_annotation,
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
    return make_solution(make_problem(project), ["One.", "Two."])


def choose(
    client: Client, annotation: Annotation, chosen: str = "yes", **query: str
) -> tuple[int, str | None]:
    """Send the choice; return the status, and the address that the answer leads to."""
    address = reverse(
        "practice_choice", args=[annotation.project.slug, annotation.solution_id], query=query
    )
    response = client.post(address, {"annotation": annotation.pk, "is_practice": chosen})
    annotation.refresh_from_db()
    return response.status_code, response.headers.get("Location")


def test_a_manager_chooses_marks_for_practice_and_back(client: Client, solution: Solution) -> None:
    annotation = make_annotation(solution, ratings=[1, -1])
    address = f"/projects/algebra/solutions/{solution.pk}/?mark=bad"
    assert "Practise against the marks of" in client.get(address).content.decode()
    assert choose(client, annotation, mark="bad") == (302, address)
    assert annotation.is_practice
    page = client.get(address).content.decode()
    assert "Newcomers practise on this solution." in page
    assert "Stop practising against the marks of" in page
    choose(client, annotation, "no")
    assert not annotation.is_practice


def test_what_newcomers_are_shown_is_no_work_until_it_is_chosen_no_longer(
    client: Client, project: Project, solution: Solution
) -> None:
    other = make_solution(solution.problem, ["Another."])
    routing.route(project=project)
    annotation = make_annotation(solution, ratings=[1, -1])
    choose(client, annotation)
    assert [slot.solution for slot in project.assignments.open()] == [other]
    assert routing.route(project=project) == 0
    choose(client, annotation, "no")
    assert routing.route(project=project) == 1
    assert set(project.assignments.open().values_list("solution", flat=True)) == {
        solution.pk, other.pk,
    }  # fmt: skip


def test_what_newcomers_are_shown_is_not_given_out_again_when_a_hold_of_it_ends(
    client: Client, project: Project, solution: Solution
) -> None:
    routing.route(project=project)
    lease = leases.claim_next(labeler=labeler_of(make_user()), project=project)
    assert lease
    choose(client, make_annotation(solution, ratings=[1, -1]))
    lease.refresh_from_db()
    assert lease.is_open
    ending.release(lease)
    assert project.assignments.get().state == Assignment.State.WITHDRAWN


@pytest.mark.parametrize("ratings", [[1], [1, None], []])
def test_marks_that_do_not_reach_the_first_error_are_not_for_practice(
    client: Client, solution: Solution, ratings: list[int | None]
) -> None:
    annotation = make_annotation(solution, ratings=ratings, finish_reason="give_up")
    page = client.get(f"/projects/algebra/solutions/{solution.pk}/").content.decode()
    assert "Practise against" not in page
    choose(client, annotation)
    assert not annotation.is_practice
    page = client.get(f"/projects/algebra/solutions/{solution.pk}/").content.decode()
    assert "do not reach the first error" in page


def test_superseded_marks_are_not_for_practice(client: Client, solution: Solution) -> None:
    first = make_annotation(solution, ratings=[1, 1])
    make_annotation(solution, first.labeler, ratings=[1, -1], supersedes=first)
    choose(client, first)
    assert not first.is_practice


def test_an_annotation_of_another_solution_is_not_found(client: Client, solution: Solution) -> None:
    annotation = make_annotation(make_solution(solution.problem, ["X."]), ratings=[1])
    address = reverse("practice_choice", args=["algebra", solution.pk])
    response = client.post(address, {"annotation": annotation.pk, "is_practice": "yes"})
    assert response.status_code == 404


@pytest.mark.parametrize("named", ["", "x", "-1", "1.0", "²", "9" * 40])
def test_what_is_no_annotation_is_refused(client: Client, solution: Solution, named: str) -> None:
    address = reverse("practice_choice", args=["algebra", solution.pk])
    assert client.post(address, {"annotation": named}).status_code == 400


@pytest.mark.parametrize("role", ["reviewer", "labeler", "reader"])
def test_only_managers_choose(client: Client, solution: Solution, role: str) -> None:
    annotation = make_annotation(solution, ratings=[1, -1])
    user = make_user()
    Membership.objects.create(user=user, project=solution.project, role=role)
    client.force_login(user)
    assert choose(client, annotation) == (403, None)
    assert not annotation.is_practice
    page = client.get(f"/projects/algebra/solutions/{solution.pk}/").content.decode()
    assert "Practise against" not in page


def test_outsiders_and_managers_of_other_projects_find_nothing(
    client: Client, solution: Solution
) -> None:
    annotation = make_annotation(solution, ratings=[1, -1])
    for user in (make_user(), make_user()):
        make_project(members={user: "manager"})
        client.force_login(user)
        assert choose(client, annotation) == (404, None)
    assert not annotation.is_practice


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_it_is_only_posted_to(client: Client, solution: Solution, method: str) -> None:
    address = reverse("practice_choice", args=["algebra", solution.pk])
    assert getattr(client, method)(address).status_code == 405
