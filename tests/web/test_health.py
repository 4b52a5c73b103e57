from unittest.mock import Mock

import pytest
from celery.signals import heartbeat_sent
from django.core.cache import cache
from django.db import connection
from django.db.utils import OperationalError
from django.test import Client
from pytest_django import Settings

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
    settings.CELERY_BROKER_URL = NOBODY
    response = client.get("/health/")
    assert response.status_code == 503
    assert response.json()["broker"] == "down"
    assert "127.0.0.1" not in response.content.decode()


def test_without_a_database_it_is_down(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = OperationalError("connection to server at db.internal failed")
    monkeypatch.setattr(connection, "cursor", Mock(side_effect=refused))
    response = client.get("/health/")
    assert response.status_code == 503
    assert response.json()["database"] == "down"
    assert "db.internal" not in response.content.decode()


def test_without_a_cache_the_worker_is_unknown(settings: Settings) -> None:
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": NOBODY}}
    assert health.worker() == "unknown"


def test_it_is_never_kept_by_a_cache_on_the_way(client: Client) -> None:
    assert "no-store" in client.get("/health/")["Cache-Control"]
