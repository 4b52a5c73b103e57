"""A project's runs over REST: list, start, look, pause, resume, cancel, retry."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from annotation.models import Project, Run
from labelers.judges import JUDGES
from labelers.models import Labeler
from labelers.registration import register_model
from tests.annotation.test_run_control import Asking, fail_all
from tests.factories import (
    make_problem,
    make_project,
    make_run,
    make_solution,
    make_token,
    make_user,
)
from web.models import User

pytestmark = pytest.mark.django_db

PRICE = {"prompt_per_1k": 1, "completion_per_1k": 1, "currency": "USD"}


@pytest.fixture
def manager() -> User:
    return make_user()


@pytest.fixture
def project(manager: User) -> Project:
    project = make_project("eggs", members={manager: "manager", make_user("rita"): "reviewer"})
    make_solution(make_problem(project))
    return project


@pytest.fixture
def labeler() -> Labeler:
    return register_model(name="arithmetic", judge="arithmetic", config={"price": PRICE})


def client_of(user: User, *scopes: str, **token: Any) -> APIClient:
    client = APIClient()
    fields = {"scopes": scopes, "every_project": True, **token}
    client.credentials(HTTP_AUTHORIZATION=f"Token {make_token(user, **fields)[1]}")
    return client


def door(run: Run | None = None, act: str = "") -> str:
    if run is None:
        return reverse("api_runs", args=["eggs"])
    return reverse(f"api_{act}_run" if act else "api_run", args=["eggs", run.pk])


def start(client: APIClient, labeler: Labeler, **more: Any) -> Any:
    return client.post(door(), {"labeler": str(labeler.uuid), **more}, format="json")


def test_a_run_is_started_and_looked_at(project: Project, manager: User, labeler: Labeler) -> None:
    client = client_of(manager, "manage")
    response = start(client, labeler, budget="2.50")
    assert response.status_code == 202
    run = Run.objects.get()
    assert response.headers["Location"] == door(run) == response.json()["url"]
    assert (run.budget, run.created_by) == (Decimal("2.50"), manager)
    shown = client.get(door(run)).json()
    assert (shown["kind"], shown["subject"], shown["state"]) == (
        "labelling",
        "arithmetic",
        "queued",
    )
    assert (shown["total"], shown["left"], shown["seconds_left"]) == (1, 1, None)
    assert (shown["money"], shown["budget"], shown["currency"]) == ("0.000000", "2.500000", "USD")
    assert start(client, labeler).json()["id"] == run.pk, "the same request is the same run"


def test_the_buttons_over_rest(project: Project, manager: User, labeler: Labeler) -> None:
    client = client_of(manager, "manage")
    run = Run.objects.get(pk=start(client, labeler).json()["id"])
    for act, state, status in (
        ("pause", "paused", 200),
        ("pause", "paused", 409),
        ("resume", "queued", 200),
        ("resume", "queued", 409),
        ("cancel", "cancelled", 200),
        ("cancel", "cancelled", 409),
        ("retry", "cancelled", 409),
    ):
        response = client.post(door(run, act))
        assert response.status_code == status, act
        if status == 409:
            assert response.json()["code"] == "not_now"
            assert response.json()["detail"]
        else:
            assert response.json()["state"] == state
        run.refresh_from_db()
        assert run.state == state
    assert (
        client.post(door(run, "resume"), {"budget": 3}, format="json").json()["budget"]
        == "3.000000"
    )
    fail_all(run)
    assert client.get(door(run)).json()["errors"] == {"too long": 1}
    assert client.post(door(run, "retry")).json()["left"] == 1


def test_what_was_sent_wrong_is_named(project: Project, manager: User, labeler: Labeler) -> None:
    client = client_of(manager, "manage")
    for sent, field in (
        ({}, "labeler"),
        ({"labeler": "arithmetic"}, "labeler"),
        ({"labeler": str(uuid4())}, "labeler"),
        ({"labeler": str(labeler.uuid), "budget": -1}, "budget"),
        ({"labeler": str(labeler.uuid), "budget": "much"}, "budget"),
    ):
        response = client.post(door(), sent, format="json")
        assert response.status_code == 400
        assert [error["field"] for error in response.json()["errors"]] == [field]
    free = register_model(name="free", judge="arithmetic")
    assert "price" in start(client, free, budget="1").json()["detail"]
    assert not Run.objects.exists()


def test_a_token_needs_the_scope_and_the_project(
    project: Project, manager: User, labeler: Labeler
) -> None:
    run = make_run(project)
    for scopes, reads, acts in (
        (("read",), 200, 403),
        (("label", "review"), 403, 403),
        (("manage",), 200, 409),
    ):
        client = client_of(manager, *scopes)
        assert client.get(door()).status_code == reads
        assert client.get(door(run)).status_code == reads
        assert client.post(door(run, "retry")).status_code in {acts, 403}
        assert client.post(door(run, "pause")).status_code == (200 if acts == 409 else acts)
    elsewhere = client_of(manager, "manage", every_project=False)
    assert elsewhere.get(door()).status_code == 404
    assert elsewhere.post(door(run, "cancel")).status_code == 404


def test_members_get_403_and_outsiders_404(project: Project, labeler: Labeler) -> None:
    run = make_run(project)
    for user, status in ((User.objects.get(username="rita"), 403), (make_user(), 404)):
        client = client_of(user, "manage", "read")
        assert client.get(door()).status_code == status
        assert client.get(door(run)).status_code == status
        assert start(client, labeler).status_code == status
        for act in ("pause", "resume", "cancel", "retry"):
            assert client.post(door(run, act)).status_code == status
    assert APIClient().get(door()).status_code == 401
    assert APIClient().post(door(run, "cancel")).status_code == 401


def test_only_superusers_let_an_engine_mark(
    project: Project, manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(JUDGES, "asking", Asking)
    asking = register_model(name="asking", judge="asking", config={"engine": "scripted"})
    client, boss = (client_of(user, "manage") for user in (manager, make_user(is_superuser=True)))
    assert start(client, asking).status_code == 403
    assert start(boss, asking).status_code == 202
    run = Run.objects.get()
    assert client.post(door(run, "pause")).status_code == 200
    assert client.post(door(run, "resume")).status_code == 403
    assert boss.post(door(run, "resume")).status_code == 200


def test_a_wrong_method_and_another_projects_run_are_refused(
    project: Project, manager: User
) -> None:
    client = client_of(manager, "manage")
    run, other = make_run(project), make_run(make_project("milk"))
    assert client.delete(door()).status_code == 405
    assert client.put(door(run)).status_code == 405
    assert client.get(door(run, "pause")).status_code == 405
    assert client.get(door(other)).status_code == 404
    assert client.post(door(other, "cancel")).status_code == 404


def test_the_list_is_paged_with_the_newest_first(project: Project, manager: User) -> None:
    made = [make_run(project).pk for _ in range(5)]
    client = client_of(manager, "read")
    first = client.get(door(), {"limit": 3}).json()
    assert [run["id"] for run in first["results"]] == made[:1:-1]
    second = client.get(first["next"]).json()
    assert [run["id"] for run in second["results"]] == made[1::-1]
    assert second["next"] is None
    assert client.get(second["previous"]).json()["results"] == first["results"]
    oldest = client.get(door(), {"order": "id", "limit": "1"}).json()["results"]
    assert [run["id"] for run in oldest] == made[:1]
    assert client.get(door(), {"state": "paused"}).json()["results"] == []
