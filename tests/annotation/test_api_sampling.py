"""Sampling over REST."""

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from annotation import run_kinds, runs
from annotation.models import Project, Run, Solution
from tests.annotation.test_api_runs import client_of
from tests.factories import make_problem, make_project, make_user
from web.models import User

pytestmark = pytest.mark.django_db

ASKED = {
    "engine": "scripted",
    "engine_config": {"model": "canned"},
    "solutions_a_problem": 2,
    "decoding": {"temperature": 0.5, "max_tokens": 100, "stop": ["\n\n"]},
}


@pytest.fixture
def boss() -> User:
    return make_user("boss", is_superuser=True)


@pytest.fixture
def project() -> Project:
    project = make_project("eggs", members={make_user("mona"): "manager"})
    make_problem(project)
    return project


def ask(client: APIClient, **more: Any) -> Any:
    address = reverse("api_sampling", args=["eggs"])
    return client.post(address, {**ASKED, **more}, format="json")


def test_solutions_are_drawn_by_a_run(project: Project, boss: User) -> None:
    answer = ask(client_of(boss, "manage"))
    assert answer.status_code == 202, answer.json()
    run = Run.objects.get()
    assert answer.headers["Location"] == reverse("api_run", args=["eggs", run.pk])
    assert (answer.json()["kind"], answer.json()["total"], run.created_by) == ("sampling", 2, boss)
    runs.work_here(run, run_kinds.slice_work(run))
    assert Solution.objects.filter(run=run).exists()
    assert ask(client_of(boss, "manage")).json()["id"] == run.pk, "the same again is the same run"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"engine": "nobody"}, "engine"),
        ({"engine_config": {"height": 3}}, ""),
        ({"engine_config": []}, "engine_config"),
        ({"prompt": "nothing"}, "prompt"),
        ({"splitter": "axe"}, "splitter"),
        ({"solutions_a_problem": 0}, "solutions_a_problem"),
        ({"decoding": {"temperature": -1}}, "decoding.temperature"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_was_sent_wrong_is_named(
    project: Project, boss: User, wrong: dict[str, Any], field: str
) -> None:
    answer = ask(client_of(boss, "manage"), **wrong)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not Run.objects.exists()


def test_only_superusers_ask_an_engine_and_only_in_projects_at_work(
    project: Project, boss: User
) -> None:
    for user, scope, status in (
        (User.objects.get(username="mona"), "manage", 403),
        (make_user(), "manage", 404),
        (boss, "read", 403),
    ):
        assert ask(client_of(user, scope)).status_code == status
    assert client_of(boss, "manage").get(reverse("api_sampling", args=["eggs"])).status_code == 405
    project.archived_at = timezone.now()
    project.save()
    assert ask(client_of(boss, "manage")).status_code == 409
