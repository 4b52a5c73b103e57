"""What a labeler is not shown: what others marked, wrote, built and hold."""

import pytest
from django.test import Client

from annotation.models import Solution
from tests.factories import (
    make_annotation,
    make_assignment,
    make_labeler,
    make_lease,
    make_problem,
    make_project,
    make_solution,
    make_step,
    make_user,
)

pytestmark = pytest.mark.django_db


def words_of(client: Client, solution: Solution) -> str:
    response = client.get(f"/projects/algebra/solutions/{solution.pk}/")
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_a_labeler_sees_no_mark_but_their_own(client: Client) -> None:
    grace, emmy = make_user("grace"), make_user("emmy")
    project = make_project("algebra", members={grace: "labeler", emmy: "reviewer"})
    solution = make_solution(make_problem(project))
    make_annotation(
        solution, make_labeler("the judge"), ratings=[-1], comments={0: "no"}, score=0.1
    )
    make_annotation(solution, make_labeler("Grace", user=grace), ratings=[0])
    client.force_login(grace)
    words = words_of(client, solution)
    assert "the judge" not in words
    assert "Bad" not in words
    assert "Okay" in words
    client.force_login(emmy)
    assert "the judge" in words_of(client, solution)


def test_a_labeler_sees_no_superseded_mark_but_their_own(client: Client) -> None:
    grace = make_user("grace")
    project = make_project("algebra", members={grace: "labeler"})
    solution = make_solution(make_problem(project))
    first = make_annotation(solution, make_labeler("the judge"), ratings=[-1])
    make_annotation(solution, first.labeler, ratings=[1], supersedes=first)
    client.force_login(grace)
    words = words_of(client, solution)
    assert "superseded" not in words
    assert "the judge" not in words


def test_a_labeler_sees_no_step_that_another_wrote(client: Client) -> None:
    grace, emmy = make_user("grace"), make_user("emmy")
    project = make_project("algebra", members={grace: "labeler", emmy: "labeler"})
    solution = make_solution(make_problem(project))
    annotation = make_annotation(solution, make_labeler(user=emmy), ratings=[1])
    written = make_step(solution, 0, "We count again.", alternative=1, writer="human")
    annotation.positions.update(human_step=written)
    client.force_login(grace)
    assert "We count again." not in words_of(client, solution)
    client.force_login(emmy)
    assert "We count again." in words_of(client, solution)


def test_what_a_labeler_built_is_not_there_for_another_labeler(client: Client) -> None:
    grace, emmy = make_user("grace"), make_user("emmy")
    project = make_project("algebra", members={grace: "labeler", emmy: "labeler"})
    problem = make_problem(project)
    solution = make_solution(problem, ["We begin with eggs."], built=True)
    make_annotation(solution, make_labeler(user=emmy), ratings=[1])
    address = f"/projects/algebra/solutions/{solution.pk}/"
    client.force_login(grace)
    assert client.get(address).status_code == 404
    for listing in ("solutions/", f"problems/{problem.pk}/"):
        assert address not in client.get(f"/projects/algebra/{listing}").content.decode()
    client.force_login(emmy)
    assert client.get(address).status_code == 200
    assert address in client.get("/projects/algebra/solutions/").content.decode()


def test_who_holds_it_is_for_those_who_read_everybodys_marks(client: Client) -> None:
    grace, emmy = make_user("grace"), make_user("emmy")
    project = make_project("algebra", members={grace: "labeler", emmy: "reader"})
    solution = make_solution(make_problem(project))
    make_lease(make_assignment(solution), make_labeler("Sonya"))
    ahead = make_lease(make_assignment(solution), make_labeler("Maryam"), began_at=None)
    client.force_login(emmy)
    words = words_of(client, solution)
    assert "Sonya" in words
    assert ahead.labeler.name not in words
    client.force_login(grace)
    assert "Sonya" not in words_of(client, solution)


@pytest.mark.parametrize("listing", ["solutions/", "solutions/?mark=bad"])
def test_late_work_does_not_open_what_another_built(client: Client, listing: str) -> None:
    grace, emmy = make_user("grace"), make_user("emmy")
    project = make_project("algebra", members={grace: "labeler", emmy: "labeler"})
    solution = make_solution(make_problem(project), ["We begin with eggs."], built=True)
    make_annotation(solution, make_labeler(user=emmy), ratings=[-1])
    make_annotation(solution, make_labeler(user=grace), ratings=[-1], is_surplus=True)
    address = f"/projects/algebra/solutions/{solution.pk}/"
    client.force_login(grace)
    assert client.get(address).status_code == 404
    assert address not in client.get(f"/projects/algebra/{listing}").content.decode()
    assert address not in client.get("/work/").content.decode()
    client.force_login(emmy)
    assert client.get(address).status_code == 200
    for place in (f"/projects/algebra/{listing}", "/work/"):
        assert address in client.get(place).content.decode()


def test_late_work_on_a_written_solution_opens_it_as_ever(client: Client) -> None:
    grace = make_user("grace")
    project = make_project("algebra", members={grace: "labeler"})
    solution = make_solution(make_problem(project))
    make_annotation(solution, make_labeler(user=grace), ratings=[0], is_surplus=True)
    client.force_login(grace)
    assert "Okay" in words_of(client, solution)
    assert f"/solutions/{solution.pk}/" in client.get("/work/").content.decode()


def test_a_labeler_finds_no_words_that_another_wrote(client: Client) -> None:
    grace, emmy, ada = make_user("grace"), make_user("emmy"), make_user("ada")
    roles = {grace: "labeler", emmy: "labeler", ada: "reviewer"}
    solution = make_solution(make_problem(make_project("algebra", members=roles)))
    make_annotation(solution, make_labeler(user=grace), ratings=[1])
    make_annotation(solution, make_labeler(user=ada), ratings=[1])
    annotation = make_annotation(solution, make_labeler(user=emmy), ratings=[1])
    written = make_step(solution, 0, "We count again.", alternative=1, writer="human")
    annotation.positions.update(human_step=written)
    for user, found in ((grace, []), (emmy, [solution.pk]), (ada, [solution.pk])):
        client.force_login(user)
        page = client.get("/projects/algebra/solutions/?text=count+again").context["page"]
        assert [row.pk for row in page.rows] == found
        page = client.get("/work/?text=count+again").context["page"]
        assert [row.annotation.solution_id for row in page.rows] == found
        page = client.get("/work/?text=first+step").context["page"]
        assert [row.annotation.solution_id for row in page.rows] == [solution.pk]
