"""Bodies of JSON that are nested too deeply: a bad request, whatever a door does with them."""

import io
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.exceptions import ParseError
from rest_framework.test import APIClient

from annotation.models import Run, Solution
from datasets_app.models import Snapshot
from labelers.registration import labeler_of
from tests.annotation.reading_api import client_of
from tests.datasets_app.frozen import dataset_of
from tests.factories import (
    make_assignment,
    make_lease,
    make_problem,
    make_project,
    make_solution,
    make_user,
)
from web.json_bodies import BoundedJSONParser
from web.models import KeptAnswer, User

HERE = "/api/v1/projects/eggs/"
VERSIONS = f"{HERE}datasets/steps/versions/"
LISTS, OBJECTS = ("[", "]"), ('{"rules":', "}")


@pytest.fixture
def client(db: None) -> APIClient:
    manager = make_user(is_superuser=True)
    project = make_project("eggs", members={manager: "manager"})
    dataset_of(project)
    make_solution(make_problem(project))
    client = client_of(manager, "read", "label", "review", "manage")
    client.raise_request_exception = False
    return client


def nested(levels: int, brackets: tuple[str, str] = LISTS) -> str:
    return brackets[0] * levels + "1" + brackets[1] * levels


def post(client: APIClient, address: str, body: str, *, key: bool) -> Any:
    headers = {"Idempotency-Key": str(uuid4())} if key else {}
    return client.post(address, body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("key", [False, True], ids=["without a key", "under a key"])
@pytest.mark.parametrize("brackets", [LISTS, OBJECTS], ids=["lists", "objects"])
@pytest.mark.parametrize("levels", [101, 900, 100_000])
@pytest.mark.parametrize(
    "address",
    [VERSIONS, f"{HERE}datasets/", f"{HERE}assignments/next/", f"{HERE}runs/",
     f"{HERE}runs/sampling/", f"{HERE}webhooks/"],
)  # fmt: skip
def test_deep_json_is_a_bad_request(
    client: APIClient, address: str, levels: int, brackets: tuple[str, str], key: bool
) -> None:
    answer = post(client, address, nested(levels, brackets), key=key)
    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")
    assert answer.json()["detail"] == "What was sent is nested too deeply."
    assert not Snapshot.objects.exists()
    assert not Run.objects.exists()
    assert not KeptAnswer.objects.exists()


@pytest.mark.parametrize("key", [False, True], ids=["without a key", "under a key"])
def test_deep_work_and_drafts_are_bad_requests(client: APIClient, key: bool) -> None:
    slot = make_assignment(Solution.objects.get())
    make_lease(slot, labeler_of(User.objects.get()))
    at = f"{HERE}assignments/{slot.pk}/"
    headers = {"Idempotency-Key": str(uuid4())} if key else {}
    body = f'{{"version": 0, "draft": {nested(100_000)}}}'
    submitted = post(client, f"{at}submit/", body, key=key)
    saved = client.put(f"{at}draft/", body, content_type="application/json", headers=headers)
    assert (submitted.status_code, saved.status_code) == (400, 400)


@pytest.mark.parametrize("levels", [101, 100_000])
def test_deep_json_in_a_field_of_a_form_is_a_bad_request(client: APIClient, levels: int) -> None:
    answer = client.post(VERSIONS, {"rules": nested(levels)}, format="multipart")
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == ["rules"]


@pytest.mark.parametrize("key", [False, True], ids=["without a key", "under a key"])
def test_a_deep_line_of_a_file_is_said_to_be_that(client: APIClient, key: bool) -> None:
    headers = {"Idempotency-Key": str(uuid4())} if key else {}
    file = io.BytesIO(f'{{"text": {nested(100_000)}}}\n'.encode())
    file.name = "deep.jsonl"
    sent = {"kind": "problems", "file": file}
    answer = client.post(f"{HERE}imports/", sent, format="multipart", headers=headers)
    assert answer.status_code == 400
    assert "nested deeper than 100 levels" in answer.json()["errors"][0]["detail"]
    assert post(client, f"{HERE}imports/", nested(100_000), key=key).status_code == 415


def test_deep_marks_of_a_practice_page_are_a_bad_request(db: None) -> None:
    labeler = make_user()
    make_project("eggs", members={labeler: "labeler"})
    page = Client(raise_request_exception=False)
    page.force_login(labeler)
    answer = page.post(
        reverse("label_check", args=["eggs", 1]), nested(100_000), content_type="application/json"
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("brackets", [LISTS, OBJECTS], ids=["lists", "objects"])
def test_a_hundred_levels_can_be_read_and_no_more(brackets: tuple[str, str]) -> None:
    def read(levels: int) -> Any:
        return BoundedJSONParser().parse(io.BytesIO(nested(levels, brackets).encode()))

    assert read(100)
    assert BoundedJSONParser().parse(io.BytesIO(b"1")) == 1
    with pytest.raises(ParseError):
        read(101)
