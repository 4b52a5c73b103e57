import logging
import re
from io import StringIO

import pytest
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, Throttled
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.urls import handler400, handler403, handler404, handler500
from web.errors import BadAddress

__all__ = ["handler400", "handler403", "handler404", "handler500"]

pytestmark = pytest.mark.urls(__name__)

SECRET = "the password of the database"


class StepInput(serializers.Serializer[object]):
    text = serializers.CharField()


class SolutionInput(serializers.Serializer[object]):
    steps = StepInput(many=True)
    model = serializers.CharField()


@login_not_required
def boom(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(SECRET)


@login_not_required
def bad_address(request: HttpRequest) -> HttpResponse:
    raise BadAddress("No such page of ours.")


class Door(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        match request.query_params.get("wish"):
            case "forbidden":
                raise PermissionDenied
            case "throttled":
                raise Throttled(wait=30)
            case "fault":
                raise RuntimeError(SECRET)
        return Response({})

    def post(self, request: Request) -> Response:
        SolutionInput(data=request.data).is_valid(raise_exception=True)
        return Response({})


urlpatterns = [
    path("boom/", boom),
    path("bad/", bad_address),
    path("api/boom/", boom),
    path("api/door/", login_not_required(Door.as_view())),
    path("", include("web.urls")),
    path("", include("annotation.urls")),
]


@pytest.fixture
def visitor() -> Client:
    return Client(raise_request_exception=False)


def test_every_response_has_an_id_of_our_own(visitor: Client) -> None:
    first = visitor.get("/login/", headers={"X-Request-ID": "mine"})
    second = visitor.get("/login/")
    assert re.fullmatch("[0-9a-f]{32}", first["X-Request-ID"])
    assert first["X-Request-ID"] != second["X-Request-ID"]


def test_a_page_that_fails_says_its_id_and_nothing_else(
    visitor: Client, caplog: pytest.LogCaptureFixture
) -> None:
    response = visitor.get("/boom/")
    assert response.status_code == 500
    page = response.content.decode()
    assert response["X-Request-ID"] in page
    assert SECRET not in page
    assert "RuntimeError" not in page
    assert response["X-Request-ID"] in caplog.text


def test_a_fault_under_api_is_json_with_its_id_and_nothing_else(visitor: Client) -> None:
    for address in ("/api/boom/", "/api/door/?wish=fault"):
        response = visitor.get(address)
        assert response.status_code == 500
        body = response.json()
        assert body.keys() == {"detail", "code", "request_id", "errors"}
        assert body["request_id"] == response["X-Request-ID"]
        assert SECRET not in response.content.decode()


def test_an_unknown_address_under_api_is_json_for_anyone(visitor: Client) -> None:
    response = visitor.get("/api/v9/<script>alert(1)</script>")
    assert response.status_code == 404
    assert response.json() == {
        "detail": "There is nothing here, or nothing that your account may see.",
        "code": "not_found",
        "request_id": response["X-Request-ID"],
        "errors": [],
    }


def test_an_unknown_page_repeats_nothing_of_its_address(visitor: Client) -> None:
    response = visitor.get("/<script>alert(1)</script>")
    assert response.status_code == 404
    assert "alert" not in response.content.decode()


def test_a_bad_address_says_what_is_bad_about_it(visitor: Client) -> None:
    response = visitor.get("/bad/")
    assert response.status_code == 400
    assert "No such page of ours." in response.content.decode()


def test_an_expired_form_gets_a_page_of_ours() -> None:
    response = Client(enforce_csrf_checks=True).post("/login/", {"username": "a"})
    assert response.status_code == 403
    assert "The form has expired" in response.content.decode()


def test_a_refused_request_has_the_one_shape(visitor: Client) -> None:
    response = visitor.get("/api/door/?wish=forbidden")
    assert response.status_code == 403
    assert response.json()["code"] == "permission_denied"
    assert response.json()["errors"] == []


def test_a_throttled_request_says_when_to_come_back(visitor: Client) -> None:
    response = visitor.get("/api/door/?wish=throttled")
    assert (response.status_code, response["Retry-After"]) == (429, "30")
    assert response.json()["code"] == "throttled"


def test_a_wrong_method_under_api_has_the_one_shape(visitor: Client) -> None:
    response = visitor.delete("/api/door/")
    assert response.status_code == 405
    assert response.json()["code"] == "method_not_allowed"


def test_each_wrong_field_is_named_by_its_path(visitor: Client) -> None:
    sent = {"steps": [{"text": "One."}, {"text": ""}, {}]}
    response = visitor.post("/api/door/", sent, content_type="application/json")
    assert response.status_code == 400
    body = response.json()
    assert body["code"] == "invalid"
    assert [(error["field"], error["code"]) for error in body["errors"]] == [
        ("steps.1.text", "blank"),
        ("steps.2.text", "required"),
        ("model", "required"),
    ]


def test_what_concerns_no_field_is_named_by_the_empty_path(visitor: Client) -> None:
    response = visitor.post("/api/door/", [1], content_type="application/json")
    assert [error["field"] for error in response.json()["errors"]] == ["non_field_errors"]


def test_broken_json_is_a_bad_request(visitor: Client) -> None:
    response = visitor.post("/api/door/", "{", content_type="application/json")
    assert response.status_code == 400
    assert response.json()["code"] == "parse_error"


def test_the_log_has_one_line_for_a_refusal_and_the_traceback_of_a_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handlers = [handler for handler in logging.getLogger().handlers if handler.name == "stderr"]
    written = StringIO()
    monkeypatch.setattr(handlers[0], "stream", written)
    for error, level in ((PermissionDenied(), logging.WARNING), (KeyError("eggs"), logging.ERROR)):
        try:
            raise error
        except (PermissionDenied, KeyError):
            logging.getLogger("django.request").log(level, "%s: %s", error, "/x/", exc_info=True)
    refused, fault = written.getvalue().split("\n", 1)
    assert "/x/" in refused
    assert "Traceback" not in refused
    assert fault.count("Traceback") == 1
    assert "eggs" in fault
