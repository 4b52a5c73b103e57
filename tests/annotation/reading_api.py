"""What the tests of reading over REST share: clients, and a project with a bit of everything."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from rest_framework.test import APIClient

from annotation.models import Annotation, Project, Solution
from tests.factories import (
    make_annotation,
    make_labeler,
    make_problem,
    make_project,
    make_solution,
    make_token,
    make_user,
    make_verdict,
)
from web.models import User


def client_of(user: User, *scopes: str, **token: Any) -> APIClient:
    """Return a client with a token of `user`; the scope is `read` where none is given."""
    client = APIClient()
    fields = {"scopes": scopes or ("read",), "every_project": True, **token}
    client.credentials(HTTP_AUTHORIZATION=f"Token {make_token(user, **fields)[1]}")
    return client


def a(role: str, project: Project, *scopes: str, **user: Any) -> APIClient:
    """Return a client of somebody new in a project; its token reads and manages unless told."""
    made = make_user(**user)
    project.memberships.create(user=made, role=role)
    return client_of(made, *(scopes or ("read", "manage")))


def address(name: str, *args: Any) -> str:
    return reverse(f"api_{name}", args=["eggs", *args])


@dataclass(frozen=True, slots=True)
class Eggs:
    """A project with two labelers' marks on a solution, and a verdict."""

    project: Project
    manager: User
    ada: User
    bob: User
    solution: Solution
    of_ada: Annotation
    of_bob: Annotation


def eggs() -> Eggs:
    manager, ada, bob = make_user("manager"), make_user("ada"), make_user("bob")
    members = {manager: "manager", ada: "labeler", bob: "labeler"}
    project = make_project("eggs", members=members)
    problem = make_problem(project, "16 - 7?", reference_answer="9", reference_solution="It is 9.")
    solution = make_solution(problem, ["We take 7.", "It is 8."], is_correct=False)
    of_ada = make_annotation(
        solution, make_labeler(user=ada), ratings=[1, -1], comments={1: "16 - 7 is 9."},
        finish_reason="found_error", is_quality_control=True,
    )  # fmt: skip
    of_bob = make_annotation(solution, make_labeler(user=bob), ratings=[1, 1])
    make_verdict(solution.steps.get(position=1), -1, annotations=[of_ada.pk, of_bob.pk])
    return Eggs(project, manager, ada, bob, solution, of_ada, of_bob)
