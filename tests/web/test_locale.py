"""The language and the time zone of a request."""

from datetime import UTC, datetime

import pytest
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import Client
from django.urls import include, path
from django.utils import timezone, translation

from config.urls import handler400, handler403, handler404, handler500
from tests.factories import make_user

__all__ = ["handler400", "handler403", "handler404", "handler500"]

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
# What Django itself says of a date in a language needs no catalogue of ours.
CLOCK = '{% load i18n %}{% get_current_language as l %}{{ l }} {{ noon|date:"H:i e l" }}'


def clock(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(CLOCK).render({"noon": NOON}))


urlpatterns = [path("clock/", clock), path("", include("config.urls"))]


def says(client: Client, **headers: str) -> str:
    return client.get("/clock/", headers=headers).content.decode()


def log_in(client: Client, **settings: str) -> None:
    client.force_login(make_user(**settings))


def test_without_a_choice_the_browser_decides_on_the_language(client: Client) -> None:
    log_in(client)
    assert says(client) == "en 12:00 UTC Sunday"
    assert says(client, accept_language="ja,en;q=0.5") == "ja 12:00 UTC 日曜日"
    assert says(client, accept_language="xx") == "en 12:00 UTC Sunday"


def test_a_users_language_comes_before_the_browsers(client: Client) -> None:
    log_in(client, language="ja")
    assert says(client, accept_language="en") == "ja 12:00 UTC 日曜日"
    assert client.get("/clock/").headers["Content-Language"] == "ja"


def test_times_are_those_of_the_users_zone(client: Client) -> None:
    log_in(client, time_zone="Asia/Tokyo")
    assert says(client) == "en 21:00 JST Sunday"


def test_nothing_of_one_user_is_left_for_the_next(client: Client) -> None:
    log_in(client, time_zone="Asia/Tokyo", language="ja")
    says(client)
    assert timezone.get_current_timezone_name() == "UTC"
    log_in(client)
    assert says(client) == "en 12:00 UTC Sunday"


@pytest.mark.parametrize(
    "settings", [{"time_zone": "Mars/Olympus"}, {"time_zone": "../x"}, {"language": "xx"}]
)
def test_a_choice_that_is_no_longer_known_is_as_none(
    client: Client, settings: dict[str, str]
) -> None:
    log_in(client, **settings)
    assert says(client) == "en 12:00 UTC Sunday"


def test_the_settings_page_answers_in_the_new_language(client: Client) -> None:
    log_in(client)
    page = client.post("/account/", {"language": "ja"}, follow=True).content.decode()
    assert '<html lang="ja">' in page


def test_an_error_page_speaks_the_users_language(client: Client) -> None:
    log_in(client, language="ja")
    assert '<html lang="ja">' in client.get("/projects/nowhere/").content.decode()


@pytest.fixture(autouse=True)
def english() -> object:
    with translation.override("en"):
        yield
