"""Sending what waits in the outbox: signed, one at a time for each subscriber, until it arrives.

The signature is that of Stripe and others: `Stepmark-Signature: t=SECONDS,v1=HEX`, where HEX is
HMAC-SHA256 of `SECONDS.BODY` under the subscriber's secret (docs/webhooks.md).
"""

import hashlib
import hmac
import logging
import random
import time
from collections.abc import Sequence
from datetime import timedelta

import orjson
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from web import egress
from web.models import Delivery, Subscription

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
"""How long a worker holds a delivery; one that died in it is taken over by another then."""
WAITS_S = (10, 60, 300, 1_800, 3_600, 3 * 3_600, 6 * 3_600, 12 * 3_600)
"""After each try that failed; after the last of them a delivery is given up."""
MOST_FAILED = 30
"""Tries in a row that may fail before a subscription is disabled, …"""
FAILING_FOR = timedelta(hours=24)
"""… if all in this time have: many that wait may fail together while a receiver restarts."""
KEPT_ATTEMPTS = 20
GONE = 410


def deliver_due(*, seconds: float = 30.0) -> int:
    """Send what is due, beginning none after `seconds`; return how many were tried."""
    started, tried = time.monotonic(), 0
    while time.monotonic() - started < seconds and (delivery := claim()) is not None:
        send(delivery)
        tried += 1
    return tried


@transaction.atomic
def claim() -> Delivery | None:
    """Take the delivery that has waited longest of a subscriber to whom none is on its way."""
    now = timezone.now()
    on_its_way = Delivery.objects.filter(
        subscription=OuterRef("pk"), state=Delivery.State.WAITING, leased_until__gte=now
    )
    due = Delivery.objects.filter(
        state=Delivery.State.WAITING, next_try_at__lte=now, subscription=OuterRef("pk")
    )
    free = (
        Subscription.objects.enabled()
        .filter(Exists(due), ~Exists(on_its_way))
        .select_for_update(skip_locked=True, of=("self",))
        # Those that answer come first: one that lets every try run into its deadline holds none up.
        .order_by("failed_in_a_row", "pk")
    )
    for subscription in free:
        # Locked: none of its deliveries can be taken beside this one.
        waiting = subscription.deliveries.filter(state=Delivery.State.WAITING, next_try_at__lte=now)
        if waiting.filter(leased_until__gte=now).exists():
            continue
        delivery = waiting.order_by("next_try_at", "pk").first()
        if delivery is not None:
            delivery.subscription = subscription
            delivery.leased_until = now + LEASE
            delivery.save(update_fields=["leased_until"])
            return delivery
    return None


def send(delivery: Delivery) -> None:
    """Send a claimed delivery and keep what came of it. The sending is outside of transactions."""
    body, seconds = body_of(delivery), int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Stepmark-Webhook/1",
        "Stepmark-Event": delivery.event,
        "Stepmark-Delivery": str(delivery.uuid),
        "Stepmark-Signature": signature(body, seconds, delivery.subscription.secrets),
    }
    began, status, error = time.monotonic(), None, ""
    try:
        status = egress.post(delivery.subscription.url, body=body, headers=headers)
    except (egress.Refused, egress.NotDelivered) as failure:
        error = str(failure)
    except Exception as failure:
        # Whatever it is, it is this delivery's alone: those behind it must go on.
        log.exception("delivery %s could not be sent", delivery.uuid)
        error = f"could not be sent: {type(failure).__name__}"
    else:
        if not 200 <= status < 300:
            error = _("redirects are not followed") if 300 <= status < 400 else f"HTTP {status}"
    _settle(delivery, status, error, round((time.monotonic() - began) * 1000))


def body_of(delivery: Delivery) -> bytes:
    """Return the JSON that is sent, the same at every try."""
    return orjson.dumps(
        {
            "id": str(delivery.uuid),
            "event": delivery.event,
            "created_at": delivery.created_at,
            **delivery.payload,
        }
    )


def signature(body: bytes, seconds: int, secrets: Sequence[str]) -> str:
    """Return the header that proves who sent `body`, and when: one `v1` for each secret."""
    signed = str(seconds).encode() + b"." + body
    parts = [f"t={seconds}"]
    for secret in secrets:
        parts.append(f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}")
    return ",".join(parts)


@transaction.atomic
def _settle(delivery: Delivery, status: int | None, error: str, took_ms: int) -> None:
    subscription = Subscription.objects.select_for_update().get(pk=delivery.subscription_id)
    now = timezone.now()
    attempt = {"at": now.isoformat(), "status": status, "error": error, "ms": took_ms}
    # Read again: it may have been asked for anew while it was on its way.
    locked = Delivery.objects.select_for_update().get(pk=delivery.pk)
    locked.attempts = [*locked.attempts, attempt][-KEPT_ATTEMPTS:]
    locked.leased_until = None
    locked.tries += 1
    if not error:
        locked.state, locked.ended_at = Delivery.State.DELIVERED, now
        subscription.failed_in_a_row, subscription.failing_since = 0, None
    else:
        _put_off(locked)
        subscription.failed_in_a_row += 1
        subscription.failing_since = subscription.failing_since or now
    locked.save()
    subscription.save(update_fields=["failed_in_a_row", "failing_since"])
    if status == GONE:
        subscription.disable(_("The receiver said that it is gone (410)."))
    elif subscription.failed_in_a_row >= MOST_FAILED and _fails_for_long(subscription):
        said = _("%(count)d tries in a row have failed, the last one with: %(error)s")
        because = said % {"count": subscription.failed_in_a_row, "error": error}
        subscription.disable(because[:300])


def _fails_for_long(subscription: Subscription) -> bool:
    since = subscription.failing_since
    return since is not None and timezone.now() - since >= FAILING_FOR


def _put_off(delivery: Delivery) -> None:
    """Have a delivery wait for its next try, longer each time, or give it up."""
    if delivery.tries > len(WAITS_S):
        delivery.state, delivery.ended_at = Delivery.State.FAILED, timezone.now()
        return
    wait_s = WAITS_S[delivery.tries - 1] * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
    delivery.next_try_at = timezone.now() + timedelta(seconds=wait_s)
