"""A project's webhooks over REST: made, shown, changed, deleted, asked to be sent again."""

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.urls import reverse
from rest_framework.test import APIClient

from annotation.models import Project
from tests.annotation.test_api_runs import client_of
from tests.factories import make_project, make_user
from tests.web.receiver import Receiver, receiving
from web import delivering
from web.models import Delivery, Subscription, User

pytestmark = pytest.mark.django_db

URL = "https://hooks.example.org/stepmark"


@pytest.fixture
def manager() -> User:
    return make_user()


@pytest.fixture
def project(manager: User) -> Project:
    return make_project("eggs", members={manager: "manager", make_user("rita"): "reviewer"})


@pytest.fixture
def client(project: Project, manager: User) -> APIClient:
    return client_of(manager, "manage")


@pytest.fixture
def receiver(settings: LazySettings) -> Iterator[Receiver]:
    settings.STEPMARK_EGRESS_ALLOW = [ip_network("127.0.0.0/8")]
    with receiving() as receiver:
        yield receiver


def door(name: str = "webhooks", *more: Any) -> str:
    return reverse(f"api_{name}", args=["eggs", *more])


def make(client: APIClient, url: str = URL, *events: str) -> Any:
    sent = {"url": url, "events": events or ["run.finished"]}
    return client.post(door(), sent, format="json")


def test_a_webhook_is_made_and_its_secret_shown_once(client: APIClient, project: Project) -> None:
    made = make(client, URL, "run.finished", "annotation.submitted")
    assert made.status_code == 201
    row = Subscription.objects.get()
    assert made.json()["secret"] == row.secret
    assert made.headers["Location"] == door("webhook", row.pk)
    for address in (door("webhook", row.pk), door()):
        shown = client.get(address)
        assert shown.status_code == 200
        assert row.secret not in shown.content.decode()
    assert client.get(door()).json()["webhooks"][0]["url"] == URL
    project.refresh_from_db()
    assert project.announces == ["annotation.submitted", "run.finished"]


def test_a_webhook_is_changed_and_deleted(client: APIClient, project: Project) -> None:
    pk = make(client).json()["id"]
    sent = {"url": f"{URL}/2", "events": ["snapshot.ready"]}
    assert client.put(door("webhook", pk), sent, format="json").json()["url"] == f"{URL}/2"
    project.refresh_from_db()
    assert project.announces == ["snapshot.ready"]
    assert client.delete(door("webhook", pk)).status_code == 204
    project.refresh_from_db()
    assert project.announces == []
    assert client.get(door("webhook", pk)).status_code == 404


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"url": URL, "events": []}, "events"),
        ({"url": URL, "events": ["told"]}, "events.0"),
        ({"url": URL}, "events"),
        ({"events": ["run.finished"]}, "url"),
        ({"url": "ftp://example.org", "events": ["run.finished"]}, "url"),
        ({"url": "http://169.254.169.254/", "events": ["run.finished"]}, "url"),
        ({"url": "https://[::ffff:10.0.0.1]/", "events": ["run.finished"]}, "url"),
    ],
)
def test_what_was_sent_wrong_is_named(client: APIClient, sent: Any, field: str) -> None:
    answer = client.post(door(), sent, format="json")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    pk = make(client).json()["id"]
    assert client.put(door("webhook", pk), sent, format="json").status_code == 400


def test_a_project_has_only_so_many(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annotation.webhooks.MOST", 1)
    assert make(client).status_code == 201
    assert make(client).status_code == 400


def test_a_ping_is_delivered_and_the_log_says_so(client: APIClient, receiver: Receiver) -> None:
    pk = make(client, receiver.url).json()["id"]
    sent = client.post(door("ping_webhook", pk))
    assert (sent.status_code, sent.json()["state"]) == (202, "waiting")
    receiver.status = 500
    delivering.deliver_due()
    receiver.status = 200
    again = client.post(door("redeliver", pk, sent.json()["id"]))
    assert again.status_code == 202
    delivering.deliver_due()
    (row,) = client.get(door("deliveries", pk)).json()["deliveries"]
    assert (row["state"], [attempt["status"] for attempt in row["attempts"]]) == (
        "delivered",
        [500, 200],
    )
    assert len(receiver.got) == 2
    assert client.post(door("redeliver", pk, uuid4())).status_code == 404


def test_a_disabled_webhook_is_enabled_again(client: APIClient) -> None:
    pk = make(client).json()["id"]
    Subscription.objects.get().disable("It was broken.")
    shown = client.get(door("webhook", pk)).json()
    assert (shown["is_enabled"], shown["disabled_because"]) == (False, "It was broken.")
    assert client.post(door("enable_webhook", pk)).json()["is_enabled"]


def test_the_secret_can_be_changed(client: APIClient) -> None:
    made = make(client).json()
    changed = client.post(door("rotate_webhook", made["id"])).json()
    assert changed["secret"] != made["secret"]
    assert Subscription.objects.get().secrets == [changed["secret"], made["secret"]]


def test_members_get_403_outsiders_404_and_a_token_needs_its_scope(
    client: APIClient, manager: User
) -> None:
    pk = make(client).json()["id"]
    delivery = Delivery.objects.create(
        subscription=Subscription.objects.get(), event="ping", payload={}
    )
    for user, scopes, status in (
        (User.objects.get(username="rita"), ["manage"], 403),
        (make_user(), ["manage"], 404),
        (manager, ["label"], 403),
    ):
        other = client_of(user, *scopes)
        assert other.get(door()).status_code == status
        assert make(other).status_code == status
        for name in ("rotate_webhook", "enable_webhook", "ping_webhook"):
            assert other.post(door(name, pk)).status_code == status
        assert other.get(door("deliveries", pk)).status_code == status
        assert other.post(door("redeliver", pk, delivery.uuid)).status_code == status
        assert other.delete(door("webhook", pk)).status_code == status
    assert client_of(manager, "read").get(door()).status_code == 200
    assert client_of(manager, "read").delete(door("webhook", pk)).status_code == 403
    assert APIClient().get(door()).status_code == 401


def test_another_projects_webhook_and_a_wrong_method_are_refused(
    client: APIClient, manager: User
) -> None:
    pk = make(client).json()["id"]
    make_project("milk", members={manager: "manager"})
    other = reverse("api_webhook", args=["milk", pk])
    assert client.get(other).status_code == 404
    assert client.delete(other).status_code == 404
    assert client.patch(door("webhook", pk)).status_code == 405
    assert client.get(door("rotate_webhook", pk)).status_code == 405
    assert client.get(f"{door()}?order=url").status_code == 400
