import socket
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Thread
from unittest.mock import Mock

import pytest
from celery.signals import heartbeat_sent
from django.core.cache import cache
from django.db import connection
from django.db.utils import OperationalError
from django.test import Client
from pytest_django import Settings

from tests.factories import make_user
from web import health

pytestmark = pytest.mark.django_db

NOBODY = "redis://127.0.0.1:1/0"
"""Port 1 is closed on any machine of ours."""


@pytest.fixture(autouse=True)
def no_worker() -> None:
    cache.delete(health.WORKER_KEY)


def test_it_is_ok_when_database_broker_and_worker_answer(client: Client) -> None:
    health.worker_seen()
    response = client.get("/health/")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "database": "ok", "broker": "ok", "worker": "ok"}


def test_without_a_worker_it_is_degraded_but_up(client: Client) -> None:
    response = client.get("/health/")
    assert response.status_code == 200
    assert response.json()["status"] == "degraded"
    assert response.json()["worker"] == "none seen"


def test_a_workers_heart_counts_as_the_worker_being_seen() -> None:
    import config.celery  # noqa: F401 - connects the signal, as a worker does

    heartbeat_sent.send(sender=None)
    assert health.worker() == "ok"


def test_a_workers_sign_of_life_is_forgotten_after_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "WORKER_SECONDS", 0)
    health.worker_seen()
    assert health.worker() == "none seen"


def test_without_a_broker_it_is_down(client: Client, settings: Settings) -> None:
    health.worker_seen()
    settings.CELERY_BROKER_URL = NOBODY
    response = client.get("/health/")
    assert response.status_code == 503
    assert response.json()["broker"] == "down"
    assert response.json()["worker"] == "unknown"
    assert "127.0.0.1" not in response.content.decode()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A server that takes connections and says nothing, in the database's place."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        monkeypatch.setitem(connection.settings_dict, "HOST", host)
        monkeypatch.setitem(connection.settings_dict, "PORT", port)
        yield server


def test_without_a_database_it_is_down(client: Client, server: socket.socket) -> None:
    server.close()
    response = client.get("/health/")
    assert response.status_code == 503
    assert response.json()["database"] == "down"
    assert "127.0.0.1" not in response.content.decode()


@pytest.mark.timeout(30)
def test_a_database_that_does_not_let_in_is_down(server: socket.socket) -> None:
    assert health.database() == "down"


@pytest.mark.timeout(30)
def test_a_database_that_lets_in_and_then_says_nothing_is_down(server: socket.socket) -> None:
    let_in = b"R\0\0\0\x08\0\0\0\0"
    ready = b"Z\0\0\0\x05I"
    with ExitStack() as kept:

        def answer() -> None:
            client, _ = server.accept()
            kept.enter_context(client)
            while b"user" not in client.recv(4096):
                client.sendall(b"N")  # no encryption
            client.sendall(let_in + ready)

        thread = Thread(target=answer)
        thread.start()
        assert health.database() == "down"
        thread.join()


def test_a_session_does_not_matter_when_the_database_is_down(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(make_user())
    monkeypatch.setattr(health, "ask_database", lambda: False)
    with connection.execute_wrapper(Mock(side_effect=OperationalError("no connection"))):
        assert client.get("/health/").status_code == 503


def test_without_a_cache_the_worker_is_unknown(settings: Settings) -> None:
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": NOBODY}}
    assert health.worker() == "unknown"


def test_it_is_never_kept_by_a_cache_on_the_way(client: Client) -> None:
    assert "no-store" in client.get("/health/")["Cache-Control"]


def test_a_check_from_inside_need_not_speak_https(client: Client, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/health/").status_code == 200
    assert client.get("/login/").status_code == 301
