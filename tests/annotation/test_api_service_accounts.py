"""Accounts of programs: made by managers, marking as models, coming in by tokens alone."""

from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from annotation.models import Annotation, Membership, Project
from labelers.models import Labeler
from labelers.registration import register_program
from tests.annotation.test_api_runs import client_of
from tests.factories import make_labeler, make_problem, make_project, make_solution, make_user
from web.models import ApiToken, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager() -> User:
    return make_user()


@pytest.fixture
def project(manager: User) -> Project:
    return make_project("eggs", members={manager: "manager", make_user("rita"): "reviewer"})


@pytest.fixture
def client(project: Project, manager: User) -> APIClient:
    return client_of(manager, "manage")


def door(name: str, *more: Any, slug: str = "eggs") -> str:
    return reverse(f"api_{name}", args=[slug, *more])


def make(client: APIClient, name: str = "checker") -> Any:
    return client.post(door("service_accounts"), {"name": name}, format="json")


def token(client: APIClient, member_id: int, *scopes: str, **more: Any) -> Any:
    sent = {"name": "its job", "scopes": scopes or ["label"], **more}
    return client.post(door("service_tokens", member_id), sent, format="json")


def program(secret: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
    return client


def test_a_program_marks_as_a_model_by_its_token(client: APIClient, project: Project) -> None:
    solution = make_solution(make_problem(project))
    made = make(client)
    assert made.status_code == 201
    account = made.json()
    assert made.headers["Location"] == door("service_account", account["id"])
    labeler = Labeler.objects.get(uuid=account["labeler"])
    assert (labeler.kind, labeler.name, labeler.judge) == ("model", "checker", "")
    given = token(client, account["id"])
    assert given.status_code == 201
    other = program(given.json()["token"])
    slot = other.post(door("next"), {}, format="json").json()["assignment"]
    marks = {step["id"]: {"rating": 1} for step in slot["steps"]}
    sent = other.post(door("submit", slot["id"]), {"draft": {"marks": marks}}, format="json")
    assert sent.status_code == 200, sent.json()
    assert Annotation.objects.get().labeler == labeler
    assert Annotation.objects.get().solution == solution


def test_a_token_is_shown_once_and_can_be_revoked(client: APIClient) -> None:
    account = make(client).json()["id"]
    given = token(client, account, days=7).json()
    shown = client.get(door("service_account", account))
    assert given["token"] not in shown.content.decode()
    assert [row["id"] for row in shown.json()["tokens"]] == [given["id"]]
    assert client.get(door("service_accounts")).json()["service_accounts"][0]["name"] == "checker"
    assert client.delete(door("service_token", account, given["id"])).status_code == 204
    assert program(given["token"]).post(door("next")).status_code == 401
    assert client.delete(door("service_token", account, given["id"])).status_code == 404


def test_a_program_whose_part_has_ended_opens_nothing(client: APIClient) -> None:
    account = make(client).json()["id"]
    other = program(token(client, account).json()["token"])
    assert other.post(door("next")).status_code == 200
    assert client.delete(door("service_account", account)).status_code == 204
    assert other.post(door("next")).status_code == 404
    assert Membership.objects.get(pk=account).ended_at is not None


def test_it_manages_and_reviews_nothing(client: APIClient) -> None:
    account = make(client).json()["id"]
    for scope in ("manage", "review", "everything"):
        assert token(client, account, scope).status_code == 400
    other = program(token(client, account, "read", "label").json()["token"])
    assert other.get(door("runs")).status_code == 403
    assert other.post(door("review")).status_code == 403


def test_it_opens_no_page(client: APIClient, project: Project) -> None:
    make(client)
    user = User.objects.get(is_service=True)
    assert not user.has_usable_password()
    user.set_password("seven quiet lanterns")  # by the admin, say
    user.save()
    assert authenticate(username="checker", password="seven quiet lanterns") is None
    page = Client()
    page.force_login(user)
    assert page.get("/projects/eggs/").headers["Location"].startswith("/login/")


def test_a_name_that_is_taken_or_none_is_refused(client: APIClient) -> None:
    make_user("rolf")
    make_labeler("arithmetic")
    make(client)
    for name in ("rolf", "arithmetic", "checker", "", "a b", "<b>"):
        answer = make(client, name)
        assert answer.status_code == 400
        assert [error["field"] for error in answer.json()["errors"]] == ["name"]
    assert User.objects.filter(is_service=True).count() == 1


def test_nobodys_program_is_replaced_by_an_account_of_its_name(client: APIClient) -> None:
    theirs = register_program(name="checker", user=make_user("bot"))
    assert make(client).status_code == 400
    theirs.refresh_from_db()
    assert theirs.retired_at is None
    assert not User.objects.filter(is_service=True).exists()


def test_who_may_make_one(client: APIClient, manager: User) -> None:
    account = make(client).json()["id"]
    key = token(client, account).json()["id"]
    for user, scope, status in (
        (User.objects.get(username="rita"), "manage", 403),
        (make_user(), "manage", 404),
        (manager, "label", 403),
    ):
        other = client_of(user, scope)
        assert other.get(door("service_accounts")).status_code == status
        assert make(other, "other").status_code == status
        assert other.get(door("service_account", account)).status_code == status
        assert other.delete(door("service_account", account)).status_code == status
        assert token(other, account).status_code == status
        assert other.delete(door("service_token", account, key)).status_code == status
    assert client_of(manager, "read").get(door("service_accounts")).status_code == 200
    assert APIClient().get(door("service_accounts")).status_code == 401
    assert client.put(door("service_account", account)).status_code == 405
    assert client.get(door("service_tokens", account)).status_code == 405
    assert client.get(door("service_token", account, key)).status_code == 405


def test_a_person_is_no_service_account_of_the_project(
    client: APIClient, project: Project, manager: User
) -> None:
    person = Membership.objects.get(user__username="rita").pk
    assert token(client, person).status_code == 404
    assert client.delete(door("service_account", person)).status_code == 404
    make_project("milk", members={manager: "manager"})
    elsewhere = make(client).json()["id"]
    assert client.get(door("service_account", elsewhere, slug="milk")).status_code == 404
    assert not ApiToken.objects.filter(user__username="rita").exists()
