"""What reading over REST refuses: always in the one shape, and saying what is allowed."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.annotation.reading_api import Eggs, address, client_of, eggs
from web.api_pages import encode

pytestmark = pytest.mark.django_db

SETS = ("problems", "solutions", "steps", "annotations", "verdicts", "labelers", "runs")
PATHS = (
    "labeler__user__password", "project__members__user__email__startswith", "pk__in", "id__gte",
    "solution__project", "labeler__user__username__regex", "_", "__", "format", "page", "order_by",
)  # fmt: skip


@pytest.fixture
def here() -> Eggs:
    return eggs()


@pytest.fixture
def client(here: Eggs) -> APIClient:
    return client_of(here.manager)


def refusal(response: Any, status: int) -> Any:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert body.keys() == {"detail", "code", "request_id", "errors"}
    assert body["request_id"] == response["X-Request-ID"]
    return body


@pytest.mark.parametrize("name", SETS)
def test_no_path_into_the_tables_is_a_filter_or_an_order(client: APIClient, name: str) -> None:
    for path in PATHS:
        (error,) = refusal(client.get(address(name), {path: "1"}), 400)["errors"]
        assert error["field"] == path
        assert "cursor" in error["detail"].partition("Allowed: ")[2]
        (error,) = refusal(client.get(address(name), {"order": path}), 400)["errors"]
        assert (error["field"], error["detail"][:9]) == ("order", "Allowed: ")
        backwards = client.get(address(name), {"order": f"-{path}"})
        assert refusal(backwards, 400)["errors"][0]["field"] == "order"


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "99999999999", "ten", "1.5", "٣", "1e3"])
def test_a_page_over_the_limit_is_refused_and_never_cut(client: APIClient, limit: str) -> None:
    for name in SETS:
        (error,) = refusal(client.get(address(name), {"limit": limit}), 400)["errors"]
        assert error["field"] == "limit"
        assert "1 to 1000" in error["detail"]


def test_a_parameter_is_said_once_and_not_left_empty(client: APIClient) -> None:
    for name in SETS:
        for query in ("?limit=1&limit=2", "?limit=", "?cursor="):
            refusal(client.get(address(name) + query), 400)
    refusal(client.get(address("problems") + "?source="), 400)
    refusal(client.get(address("problem", 1) + "?limit=1"), 400)
    refusal(client.get("/api/v1/projects/?slug=eggs"), 400)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("solutions", "is_correct", "banana"), ("solutions", "is_correct", "1"),
        ("solutions", "problem", "1.5"), ("solutions", "problem", "9" * 30),
        ("solutions", "generation", "40000"), ("annotations", "labeler", "ada"),
        ("annotations", "finish_reason", "bored"), ("annotations", "is_surplus", "null"),
        ("verdicts", "rating", "2"), ("steps", "own", "yes"), ("labelers", "kind", "cat"),
        ("runs", "state", "lost"), ("problems", "source", "\0"), ("solutions", "model", "\0"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named(client: APIClient, name: str, field: str, value: str) -> None:
    body = refusal(client.get(address(name), {field: value}), 400)
    assert [error["field"] for error in body["errors"]] == [field]
    lines = client.get(address(name), {field: value}, headers={"Accept": "application/x-ndjson"})
    assert lines.status_code == (406 if name == "runs" else 400)
    assert lines["Content-Type"] == "application/json"


def test_a_value_out_of_a_few_is_told_which_there_are(client: APIClient) -> None:
    (error,) = refusal(client.get(address("steps"), {"own": "yes"}), 400)["errors"]
    assert error["detail"] == "Allowed: true, false."


def test_a_cursor_that_no_page_gave_is_refused(here: Eggs, client: APIClient) -> None:
    for cursor in (
        "x", "e30", "W10", "\x00", "é", "=" * 9, encode(), encode("id", False),
        encode("id", False, "a"),
        encode("id", False, "1", "2"), encode("-id", False, "1"), encode("id", 0, "1"),
        encode("id", False, "9" * 30), encode("id", False, [1]), encode("id", False, {}),
        encode("id", False, "\0"), encode("pk__in", False, "1"), encode(None, None, None),
    ):  # fmt: skip
        (error,) = refusal(client.get(address("problems"), {"cursor": cursor}), 400)["errors"]
        assert error["field"] == "cursor"
    for slug in ("\0", "\ud800", "a\udfff"):
        sent = {"order": "slug", "cursor": encode("slug", False, slug)}
        refusal(client.get("/api/v1/projects/", sent), 400)
    for values in (["1", "2"], ["9" * 30, "0", "0"], ["1", "9" * 30, "0"], ["1", "x", "0"]):
        sent = {"cursor": encode("solution", False, *values)}
        refusal(client.get(address("steps"), sent), 400)


def test_a_stream_takes_filters_alone(client: APIClient) -> None:
    for query in ({"limit": "5"}, {"order": "id"}, {"cursor": "x"}):
        response = client.get(
            address("problems"), query, headers={"Accept": "application/x-ndjson"}
        )
        assert "Allowed: external_id" in refusal(response, 400)["errors"][0]["detail"]


def test_what_nobody_serves_is_refused_in_the_one_shape(here: Eggs, client: APIClient) -> None:
    for accept in ("text/html", "application/xml", "image/png"):
        refused = client.get(address("problems"), headers={"Accept": accept})
        assert refusal(refused, 406)["code"] == "not_acceptable"
    runs = client_of(here.manager, "manage").post(address("runs"), "x", content_type="text/plain")
    assert refusal(runs, 415)["code"] == "unsupported_media_type"
    for method in ("post", "put", "patch", "delete"):
        response = getattr(client, method)(address("annotations"))
        assert refusal(response, 405)["code"] == "method_not_allowed"
        assert response["Allow"] == "GET, HEAD, OPTIONS"
    for missing in (address("problem", 0), address("problem", 9**18), "/api/v1/nowhere/"):
        assert refusal(client.get(missing), 404)["code"] == "not_found"
    assert refusal(APIClient().get(address("problems")), 401)["code"] == "not_authenticated"
