"""The pages of webhooks: made, secret once, log, buttons. Who may come: test_every_address."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from annotation import webhooks
from annotation.models import Project
from tests.factories import make_project, make_user
from web.models import Delivery, Subscription, User

pytestmark = pytest.mark.django_db

URL = "https://hooks.example.org/a"


@pytest.fixture
def ada(client: Client) -> User:
    user = make_user("ada")
    client.force_login(user)
    return user


@pytest.fixture
def project(ada: User) -> Project:
    return make_project("eggs", members={ada: "manager"})


@pytest.fixture
def webhook(project: Project, ada: User) -> Subscription:
    return webhooks.make_webhook(project=project, url=URL, events=["run.finished"], user=ada)


def address(name: str, *more: object) -> str:
    return reverse(name, args=["eggs", *more])


def test_a_webhook_is_made_and_its_secret_shown_once(client: Client, project: Project) -> None:
    sent = client.post(address("webhooks"), {"url": URL, "events": ["run.finished"]}, follow=True)
    row = Subscription.objects.get()
    assert row.secret in sent.content.decode()
    again = client.get(address("webhook", row.pk)).content.decode()
    assert row.secret not in again
    assert URL in again
    assert URL in client.get(address("webhooks")).content.decode()
    assert address("webhooks") in client.get(address("project_settings")).content.decode()


@pytest.mark.parametrize(
    "wrong", [{"url": "ftp://a"}, {"url": "http://10.0.0.1/"}, {"url": ""}, {"events": ["x"]}]
)
def test_a_wrong_webhook_is_not_made(
    client: Client, project: Project, wrong: dict[str, object]
) -> None:
    page = client.post(address("webhooks"), {"url": URL, "events": ["run.finished"], **wrong})
    assert 'class="errorlist"' in page.content.decode()
    assert not Subscription.objects.exists()


def test_the_log_shows_what_was_sent_and_sends_it_again(
    client: Client, webhook: Subscription
) -> None:
    client.post(address("ping_webhook", webhook.pk))
    row = Delivery.objects.get()
    row.state, row.attempts = "failed", [{"at": "", "status": 500, "error": "HTTP 500", "ms": 12}]
    row.save()
    page = client.get(address("webhook", webhook.pk)).content.decode()
    assert re.search(r"<code>ping</code>.*Given up", page)
    assert "HTTP 500 · 12 ms" in page
    client.post(address("redeliver", webhook.pk, row.uuid))
    row.refresh_from_db()
    assert row.state == "waiting"


def test_a_disabled_webhook_says_why_and_is_enabled_again(
    client: Client, webhook: Subscription
) -> None:
    webhook.disable("30 tries in a row have failed: <b>")
    page = client.get(address("webhook", webhook.pk)).content.decode()
    assert "30 tries in a row have failed: &lt;b&gt;" in page
    client.post(address("enable_webhook", webhook.pk))
    assert "Enable again" not in client.get(address("webhook", webhook.pk)).content.decode()


def test_the_secret_is_changed_and_shown_once(client: Client, webhook: Subscription) -> None:
    old = webhook.secret
    page = client.post(address("rotate_webhook", webhook.pk), follow=True).content.decode()
    webhook.refresh_from_db()
    assert webhook.secret != old
    assert webhook.secret in page


def test_a_webhook_is_deleted(client: Client, webhook: Subscription, project: Project) -> None:
    client.post(address("delete_webhook", webhook.pk))
    assert not Subscription.objects.exists()
    project.refresh_from_db()
    assert project.announces == []
