"""How often an account may ask, counted in the shared Valkey."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.urls import reverse
from redis import Redis
from redis.exceptions import ConnectionError as NoCache
from rest_framework.test import APIClient

from annotation.models import Project
from tests.annotation.test_api_runs import client_of
from tests.factories import make_project, make_user
from web import throttles
from web.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager() -> User:
    return make_user()


@pytest.fixture
def project(manager: User) -> Project:
    return make_project("eggs", members={manager: "manager"})


@pytest.fixture(autouse=True)
def rates(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.STEPMARK_RATES = {"read": 3, "write": 2, "queue": 5}
    # A minute that lasts as long as the test.
    monkeypatch.setattr(throttles, "now", lambda: 1_000_000_040.0)


def read(client: APIClient) -> Any:
    return client.get(reverse("api_runs", args=["eggs"]))


def write(client: APIClient) -> Any:
    return client.post(reverse("api_runs", args=["eggs"]), {}, format="json")


def test_an_account_may_ask_so_often_a_minute_by_scope(project: Project, manager: User) -> None:
    client, other_token = client_of(manager, "manage"), client_of(manager, "manage")
    assert [read(client).status_code for _ in range(3)] == [200] * 3
    refused = read(other_token)
    assert refused.status_code == 429, "it is the account's, whatever its tokens"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.json()["code"] == "throttled"
    assert refused.json().keys() == {"detail", "code", "request_id", "errors"}
    assert [write(client).status_code for _ in range(3)] == [400, 400, 429]


def test_the_queue_has_a_limit_of_its_own(project: Project, manager: User) -> None:
    client = client_of(manager, "label")
    address = reverse("api_next", args=["eggs"])
    assert [client.post(address).status_code for _ in range(6)] == [200] * 5 + [429]


def test_one_account_does_not_use_up_anothers(project: Project, manager: User) -> None:
    for _ in range(4):
        last = read(client_of(manager, "manage"))
    assert last.status_code == 429
    assert read(client_of(make_user(is_superuser=True), "manage")).status_code == 200


def test_the_next_minute_begins_anew(
    project: Project, manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(manager, "manage")
    assert [read(client).status_code for _ in range(4)][-1] == 429
    monkeypatch.setattr(throttles, "now", lambda: 1_000_000_101.0)
    assert read(client).status_code == 200


def test_zero_is_no_limit(project: Project, manager: User, settings: LazySettings) -> None:
    settings.STEPMARK_RATES = {"read": 0, "write": 0, "queue": 0}
    client = client_of(manager, "manage")
    assert [read(client).status_code for _ in range(10)] == [200] * 10


def test_nobody_is_turned_away_where_nothing_can_be_counted(
    project: Project, manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(key: str) -> int:
        raise NoCache("gone")

    monkeypatch.setattr(throttles, "_count", gone)
    client = client_of(manager, "manage")
    assert [read(client).status_code for _ in range(5)] == [200] * 5


def test_a_counter_does_not_stay(project: Project, manager: User) -> None:
    read(client_of(manager, "manage"))
    name = cache.make_key(f"rate:read:{manager.pk}:{1_000_000_040 // 60}")
    assert 0 < Redis(connection_pool=throttles._pool()).ttl(name) <= 120


def test_the_first_requests_of_a_process_are_counted_side_by_side() -> None:
    together = Barrier(8)

    def count(key: str) -> int:
        together.wait()
        return throttles._count(key)

    with ThreadPoolExecutor(8) as threads:
        for turn in range(20):
            throttles._pool.cache_clear()
            counts = threads.map(count, [f"first:{turn}:{uuid4()}"] * 8)
            assert sorted(counts) == [1, 2, 3, 4, 5, 6, 7, 8]
