"""The outbox: written with what happened, signed, sent until it arrives."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import transaction
from django.utils import timezone

from tests.web.receiver import Receiver, receiving
from web import delivering, egress, outbox, pruning
from web.models import Delivery, Subscription

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(settings: LazySettings) -> Iterator[Receiver]:
    settings.STEPMARK_EGRESS_ALLOW = [ip_network("127.0.0.0/8")]
    with receiving() as receiver:
        yield receiver


def subscribe(url: str, *, channel: str = "room", events: tuple[str, ...] = ("told",)) -> Any:
    return Subscription.objects.create(channel=channel, url=url, events=list(events))


def tell(*payloads: dict[str, Any], channel: str = "room", event: str = "told") -> int:
    with transaction.atomic():
        return outbox.publish(channel, event, payloads or [{"n": 1}])


def due_now() -> None:
    Delivery.objects.update(next_try_at=timezone.now(), leased_until=None)


def verified(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Check a signature as docs/webhooks.md shows."""
    parts = [part.split("=", 1) for part in headers["Stepmark-Signature"].split(",")]
    seconds = dict(parts)["t"]
    signed = seconds.encode() + b"." + body
    wanted = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return any(hmac.compare_digest(value, wanted) for name, value in parts if name == "v1")


def test_an_event_arrives_signed_under_its_id(receiver: Receiver) -> None:
    subscription = subscribe(receiver.url)
    tell({"n": 1, "said": "Über"})
    assert delivering.deliver_due() == 1
    (got,), row = receiver.got, Delivery.objects.get()
    assert got.path == "/hook"
    assert got.headers["Stepmark-Event"] == "told"
    assert got.headers["Stepmark-Delivery"] == str(row.uuid)
    assert verified(got.headers, got.body, subscription.secret)
    assert not verified(got.headers, got.body + b" ", subscription.secret)
    sent = json.loads(got.body)
    assert (sent["id"], sent["event"], sent["said"]) == (str(row.uuid), "told", "Über")
    assert (row.state, row.attempts[0]["status"]) == ("delivered", 204)
    assert delivering.deliver_due() == 0


def test_only_those_hear_who_listen(receiver: Receiver) -> None:
    subscribe(receiver.url)
    assert tell(event="other") == tell(channel="elsewhere") == 0
    disabled = subscribe(receiver.url)
    disabled.disable("no more")
    assert tell() == 1


def test_an_event_of_what_was_rolled_back_was_never_there(receiver: Receiver) -> None:
    subscribe(receiver.url)
    with transaction.atomic():
        assert outbox.publish("room", "told", [{"n": 1}]) == 1
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()


def test_what_fails_is_tried_again_later_and_given_up_in_the_end(receiver: Receiver) -> None:
    subscription = subscribe(receiver.url)
    tell()
    receiver.status = 500
    assert delivering.deliver_due() == 1, "not at once"
    row = Delivery.objects.get()
    assert (row.state, row.tries, row.attempts[0]["error"]) == ("waiting", 1, "HTTP 500")
    assert row.next_try_at > timezone.now() + timedelta(seconds=5)
    for _ in delivering.WAITS_S:
        due_now()
        assert delivering.deliver_due() == 1
    row.refresh_from_db()
    assert (row.state, row.tries) == ("failed", len(delivering.WAITS_S) + 1)
    assert len({got.headers["Stepmark-Delivery"] for got in receiver.got}) == 1
    subscription.refresh_from_db()
    assert subscription.failed_in_a_row == row.tries
    receiver.status = 200
    row.again()
    assert delivering.deliver_due() == 1
    row.refresh_from_db()
    subscription.refresh_from_db()
    assert (row.state, subscription.failed_in_a_row) == ("delivered", 0)


def test_after_many_failures_in_a_row_for_a_day_a_subscription_is_disabled(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "MOST_FAILED", 3)
    subscription = subscribe(receiver.url)
    tell(*({"n": n} for n in range(5)))
    receiver.status = 503
    assert delivering.deliver_due() == 5
    subscription.refresh_from_db()
    assert subscription.disabled_at is None, "it may be down for a minute"
    subscription.failing_since -= delivering.FAILING_FOR
    subscription.save()
    due_now()
    assert delivering.deliver_due() == 1
    subscription.refresh_from_db()
    assert "HTTP 503" in subscription.disabled_because
    due_now()
    assert delivering.deliver_due() == 0
    subscription.enable()
    assert delivering.deliver_due() == 5, "the day begins anew"
    due_now()
    receiver.status = 200
    assert delivering.deliver_due() == 5
    subscription.refresh_from_db()
    assert (subscription.failed_in_a_row, subscription.failing_since) == (0, None)


def test_a_receiver_that_is_gone_is_asked_no_more(receiver: Receiver) -> None:
    subscription = subscribe(receiver.url)
    tell({"n": 1}, {"n": 2})
    receiver.status = 410
    assert delivering.deliver_due() == 1
    subscription.refresh_from_db()
    assert subscription.disabled_at is not None


def test_a_redirect_counts_as_a_failure_and_is_not_followed(receiver: Receiver) -> None:
    subscribe(receiver.url)
    tell()
    receiver.status, receiver.location = 302, "http://169.254.169.254/"
    delivering.deliver_due()
    row = Delivery.objects.get()
    assert "redirects" in row.attempts[0]["error"]
    assert (row.state, len(receiver.got)) == ("waiting", 1)


def test_an_address_that_may_not_be_asked_is_not(
    receiver: Receiver, settings: LazySettings
) -> None:
    settings.STEPMARK_EGRESS_ALLOW = []
    subscribe(receiver.url)
    tell()
    delivering.deliver_due()
    assert "public internet" in Delivery.objects.get().attempts[0]["error"]
    assert receiver.got == []


def test_what_breaks_the_sending_of_one_delivery_is_kept_on_it_and_the_next_goes_on(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = egress.post

    def post(url: str, **sent: Any) -> int:
        if url == "https://broken.example/":
            raise OverflowError("of a library")
        return really(url, **sent)

    monkeypatch.setattr(egress, "post", post)
    broken, whole = subscribe("https://broken.example/"), subscribe(receiver.url)
    tell()
    assert delivering.deliver_due() == 2
    failed = broken.deliveries.get()
    assert (failed.state, failed.tries, failed.leased_until) == ("waiting", 1, None)
    assert "OverflowError" in failed.attempts[0]["error"]
    assert whole.deliveries.get().state == "delivered"


def test_one_at_a_time_is_on_its_way_to_a_subscriber(receiver: Receiver) -> None:
    subscribe(receiver.url)
    other = subscribe(receiver.url)
    tell({"n": 1}, {"n": 2})
    first, second = delivering.claim(), delivering.claim()
    assert first is not None
    assert second is not None
    assert {first.subscription_id, second.subscription_id} == {
        other.pk - 1, other.pk
    }  # fmt: skip
    assert delivering.claim() is None


def test_a_receiver_that_fails_keeps_nobody_else_waiting(receiver: Receiver) -> None:
    failing, whole = subscribe(receiver.url), subscribe(receiver.url)
    failing.failed_in_a_row = 1
    failing.save()
    tell()
    claimed = [delivering.claim(), delivering.claim()]
    assert [one and one.subscription_id for one in claimed] == [whole.pk, failing.pk]


def test_a_delivery_of_a_worker_that_died_is_sent_by_another(receiver: Receiver) -> None:
    subscribe(receiver.url)
    tell()
    dead = delivering.claim()
    assert dead is not None
    assert delivering.deliver_due() == 0
    Delivery.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert delivering.deliver_due() == 1
    assert Delivery.objects.get().state == "delivered"


def test_a_new_secret_signs_beside_the_old_one_for_a_day(receiver: Receiver) -> None:
    subscription = subscribe(receiver.url)
    old = subscription.secret
    subscription.change_secret()
    assert subscription.secret != old
    tell()
    delivering.deliver_due()
    (got,) = receiver.got
    assert verified(got.headers, got.body, old)
    assert verified(got.headers, got.body, subscription.secret)
    subscription.changed_secret_at -= Subscription.OLD_SECRET_FOR
    subscription.save()
    tell()
    delivering.deliver_due()
    assert not verified(receiver.got[1].headers, receiver.got[1].body, old)


def test_the_database_holds_no_secret(receiver: Receiver) -> None:
    subscription = subscribe(receiver.url)
    row = Subscription.objects.filter(pk=subscription.pk).values().get()
    assert subscription.secret not in str(row)
    assert subscription.secret.removeprefix("whsec_") not in str(row)


def test_what_has_ended_long_ago_is_forgotten(receiver: Receiver) -> None:
    subscribe(receiver.url)
    tell({"n": 1}, {"n": 2})
    old = Delivery.objects.earliest("pk")
    old.state, old.ended_at = "delivered", timezone.now() - timedelta(days=31)
    old.save()
    pruning.prune()
    assert list(Delivery.objects.values_list("state", flat=True)) == ["waiting"]
