"""What happened, for those outside who asked to be told.

`publish` writes into the transaction of what happened: both are there, or neither. A worker
(`web.tasks.deliver_due`) sends what waits, again and again until it arrives, so that a receiver may
see an event twice, under the same id, and knows it by that.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from web.models import Delivery, Subscription

log = logging.getLogger(__name__)

PING = "ping"
"""The event that a subscriber may ask for at any time, to see that all is well."""


def publish(channel: str, event: str, payloads: Iterable[Mapping[str, Any]]) -> int:
    """Write one event for each of `payloads` to those who listen on `channel`; return how many.

    Needs a transaction, that of what happened.
    """
    listening = Subscription.objects.enabled().filter(channel=channel, events__contains=[event])
    subscriptions = list(listening)
    if not subscriptions:
        return 0
    written = Delivery.objects.bulk_create(
        Delivery(subscription=subscription, event=event, payload=dict(payload))
        for payload in payloads
        for subscription in subscriptions
    )
    transaction.on_commit(ring)
    return len(written)


def ping(subscription: Subscription, payload: Mapping[str, Any]) -> Delivery:
    """Write the event that shows a subscriber that all is well."""
    with transaction.atomic():
        written = Delivery.objects.create(
            subscription=subscription, event=PING, payload=dict(payload)
        )
        transaction.on_commit(ring)
    return written


def ring() -> None:
    """Tell a worker that something waits; where none can be told, the clock does so soon."""
    try:
        current_app.send_task("web.tasks.deliver_due")
    except OperationalError as error:
        log.warning("the broker cannot be reached, the clock will ring: %s", error)
