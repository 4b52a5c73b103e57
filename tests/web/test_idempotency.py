"""`Idempotency-Key`, asked at the door of webhooks: each POST there makes another one."""

import threading
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.urls import get_resolver, reverse
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework.views import APIView

from annotation import webhooks
from annotation.api import QueueView
from annotation.models import Membership, Project
from tests.annotation.test_api_runs import client_of
from tests.factories import make_project, make_user
from web import idempotency, pruning
from web.idempotency import OnceView
from web.models import ApiToken, KeptAnswer, Subscription, User

WEBHOOK = {"url": "https://hooks.example.org", "events": ["run.finished"]}


@pytest.fixture
def manager(db: None) -> User:
    manager = make_user()
    make_project("eggs", members={manager: "manager"})
    return manager


@pytest.fixture
def client(manager: User) -> APIClient:
    return client_of(manager, "manage")


def post(client: APIClient, key: str, sent: Any = None) -> Any:
    return client.post(
        reverse("api_webhooks", args=["eggs"]),
        WEBHOOK if sent is None else sent,
        format="json",
        headers={"Idempotency-Key": key},
    )


def test_the_same_key_does_it_once_and_answers_the_same(client: APIClient) -> None:
    key = str(uuid4())
    first, second = post(client, key), post(client, key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert Subscription.objects.count() == 1
    assert second.headers["Location"] == first.headers["Location"]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert first.json() == {**second.json(), "secret": first.json()["secret"]}


def test_what_is_shown_once_is_not_kept(client: APIClient) -> None:
    key = str(uuid4())
    secret = post(client, key).json()["secret"]
    assert secret not in KeptAnswer.objects.get().body
    assert post(client, key).json()["secret"] is None


def test_another_body_or_address_under_the_key_is_refused(client: APIClient) -> None:
    key = str(uuid4())
    made = post(client, key).json()
    other = post(client, key, {**WEBHOOK, "events": ["snapshot.ready"]})
    assert (other.status_code, other.json()["code"]) == (422, "other_request")
    rotate = reverse("api_rotate_webhook", args=["eggs", made["id"]])
    assert client.post(rotate, headers={"Idempotency-Key": key}).status_code == 422
    assert post(client, key, dict(reversed(WEBHOOK.items()))).status_code == 201, "only the order"
    assert Subscription.objects.count() == 1


def test_an_error_keeps_nothing(client: APIClient) -> None:
    key = str(uuid4())
    assert post(client, key, {"url": "nonsense", "events": []}).status_code == 400
    assert not KeptAnswer.objects.exists()
    assert post(client, key).status_code == 201


def test_keys_are_each_tokens_own(client: APIClient, manager: User) -> None:
    key = str(uuid4())
    post(client, key)
    other = make_user(is_superuser=True)
    assert post(client_of(other, "manage"), key).status_code == 201
    assert post(client_of(manager, "manage"), key).status_code == 201
    assert Subscription.objects.count() == 3
    assert post(client, key).headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    "sent",
    [
        f'{{"url": {10**30}, "events": []}}',
        '{"url": "https://hooks.example.org/\\ud800", "events": ["run.finished"]}',
        '{"\\ud800": 1}',
        "[" * 100_000 + "]" * 100_000,
    ],
    ids=["a large integer", "a lone surrogate", "one in a name", "deep nesting"],
)
def test_what_only_pythons_json_reads_is_a_bad_request(client: APIClient, sent: str) -> None:
    client.raise_request_exception = False
    answer = client.post(
        reverse("api_webhooks", args=["eggs"]),
        sent,
        content_type="application/json",
        headers={"Idempotency-Key": str(uuid4())},
    )
    assert answer.status_code == 400
    assert not KeptAnswer.objects.exists()


def test_without_a_key_each_is_another(client: APIClient) -> None:
    for _ in range(2):
        client.post(reverse("api_webhooks", args=["eggs"]), WEBHOOK, format="json")
    assert Subscription.objects.count() == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "schlüssel"])
def test_a_key_that_is_none_is_refused(client: APIClient, key: str) -> None:
    assert post(client, key).status_code == 400


def test_who_lost_the_right_is_not_told_again(client: APIClient, manager: User) -> None:
    key = str(uuid4())
    post(client, key)
    manager.is_active = False
    manager.save()
    assert post(client, key).status_code == 401


@pytest.mark.parametrize(("loss", "status"), [("part", 404), ("role", 403), ("scope", 403)])
def test_who_lost_the_right_in_the_project_is_not_told_again(
    client: APIClient, manager: User, loss: str, status: int
) -> None:
    key = str(uuid4())
    post(client, key)
    part = Membership.objects.filter(user=manager)
    if loss == "part":
        part.update(ended_at=timezone.now())
    elif loss == "role":
        part.update(role="labeler")
    else:
        ApiToken.objects.update(scopes=["read"])
    answer = post(client, key)
    assert answer.status_code == status
    assert "hooks.example.org" not in answer.content.decode()


def test_a_token_that_does_not_open_the_project_any_more_is_not_told_again(
    manager: User,
) -> None:
    client, key = client_of(manager, "manage", every_project=False), str(uuid4())
    token, project = ApiToken.objects.get(), Project.objects.get()
    project.tokens.add(token)
    assert post(client, key).status_code == 201
    project.tokens.remove(token)
    assert post(client, key).status_code == 404


def test_a_key_is_forgotten_after_a_day(client: APIClient) -> None:
    key = str(uuid4())
    post(client, key)
    pruning.prune()
    assert KeptAnswer.objects.count() == 1
    KeptAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
    pruning.prune()
    assert post(client, key).status_code == 201
    assert Subscription.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_twins_at_once_one_does_it_and_the_other_waits(
    manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, client = str(uuid4()), client_of(manager, "manage")
    really, answers = webhooks.make_webhook, []

    def slowly(**what: Any) -> Subscription:
        made = really(**what)
        time.sleep(0.5)
        return made

    monkeypatch.setattr(webhooks, "make_webhook", slowly)

    def ask() -> None:
        answers.append(post(client, key))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 4
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 3
    assert Subscription.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_twin_waits_for_a_while_only(manager: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "PATIENCE_MS", 100)
    key, answers = str(uuid4()), []
    client = client_of(manager, "manage")

    def ask() -> None:
        answers.append(post(client, key))
        connection.close()

    with transaction.atomic():
        KeptAnswer.objects.create(
            user=manager,
            token=ApiToken.objects.get().digest,
            key=key,
            address="",
            request_digest="",
        )
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        transaction.set_rollback(True)
    assert (answers[0].status_code, answers[0].json()["code"]) == (409, "in_progress")
    assert post(client, key).status_code == 201


def views(patterns: Any, above: str = "") -> Any:
    for pattern in patterns:
        route = above + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from views(pattern.url_patterns, route)
        elif route.startswith("api/v1/"):
            yield pattern.callback.cls


def test_every_post_of_the_api_heeds_the_key() -> None:
    posting = [view for view in views(get_resolver().url_patterns) if hasattr(view, "post")]
    assert len(posting) > 10
    queue = {view for view in posting if issubclass(view, QueueView)}
    assert [view for view in posting if not issubclass(view, OnceView) and view not in queue] == []
    assert all(issubclass(view, APIView) for view in queue)
