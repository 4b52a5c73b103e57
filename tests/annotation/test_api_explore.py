"""Explore mode over REST: candidates, choosing, and the annotation that comes of it."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from annotation import routing
from annotation.models import Annotation, Project
from tests.annotation.test_api_queue import client_of, door, take
from tests.factories import make_problem, make_project, make_solution, make_user
from web.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return make_user()


@pytest.fixture
def project(user: User) -> Project:
    project = make_project("eggs", mode=Project.Mode.EXPLORE, members={user: "labeler"})
    problem = make_problem(project, reference_answer="22")
    make_solution(problem, ["16 - 7 = 9.", "# Answer\n\n18"])
    make_solution(problem, ["16 - 5 = 11.", "11 x 2 = 22.", "# Answer\n\n22"])
    routing.route(project=project)
    return project


@pytest.fixture
def client(user: User, project: Project) -> APIClient:
    return client_of(user)


def candidates(client: APIClient, assignment: Any) -> Any:
    response = client.get(door("candidates", assignment["id"]))
    assert response.status_code == 200, response.content
    return response.json()


def choose(client: APIClient, assignment: Any, draft: Any, choice: Any) -> Any:
    body = {"version": len(draft["choices"]), "draft": draft, "choice": choice}
    return client.post(door("choose", assignment["id"]), body, format="json")


def test_a_solution_is_built_position_by_position(client: APIClient, project: Project) -> None:
    assignment = take(client)
    assert (assignment["mode"], assignment["steps"]) == ("explore", [])
    draft: dict[str, Any] = {"marks": {}, "choices": []}
    for wanted in ("16 - 5 = 11.", "11 x 2 = 22.", "# Answer\n\n22"):
        shown = candidates(client, assignment)
        for step in shown["steps"]:
            rating = 1 if step["text"] == wanted else -1
            draft["marks"][str(step["id"])] = {"rating": rating}
        response = choose(client, assignment, draft, {})
        assert response.status_code == 200, response.content
        draft["choices"].append(response.json()["choice"])
    assert response.json()["is_finished"]
    body = {"draft": draft}
    response = client.post(door("submit", assignment["id"]), body, format="json")
    assert response.json()["finish_reason"] == "solution", response.content
    solution = Annotation.objects.get().solution
    assert (solution.final_answer, solution.is_correct, solution.built) == ("22", True, True)


def test_a_step_that_is_not_great_cannot_be_chosen(client: APIClient, project: Project) -> None:
    assignment = take(client)
    shown = candidates(client, assignment)["steps"]
    marks = {str(step["id"]): {"rating": 0} for step in shown}
    draft = {"marks": marks, "choices": []}
    response = choose(client, assignment, draft, {"chosen": shown[0]["id"]})
    assert (response.status_code, response.json()["code"]) == (400, "unfinished")
    response = choose(client, assignment, draft, {"human": "She sells 9 eggs."})
    assert response.json()["choice"] == {"chosen": None, "human": "She sells 9 eggs."}


def test_giving_up_keeps_what_was_marked(client: APIClient, project: Project) -> None:
    assignment = take(client)
    shown = candidates(client, assignment)["steps"]
    draft = {"marks": {str(shown[0]["id"]): {"rating": -1}}, "end": "give_up"}
    response = client.post(door("submit", assignment["id"]), {"draft": draft}, format="json")
    assert response.json()["finish_reason"] == "give_up"
    assert Annotation.objects.get().positions.get().chosen is None


def test_review_mode_has_no_candidates(client: APIClient, project: Project) -> None:
    assignment = take(client)
    Project.objects.update(mode=Project.Mode.REVIEW)
    assert client.get(door("candidates", assignment["id"])).status_code == 404
    assert choose(client, assignment, {"choices": []}, {}).status_code == 404


def test_others_do_not_find_the_candidates(client: APIClient, project: Project) -> None:
    path = door("candidates", take(client)["id"])
    assert APIClient().get(path).status_code == 401
    assert client_of(make_user()).get(path).status_code == 404
    assert client.put(path).status_code == 405
