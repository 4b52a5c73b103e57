"""A project's webhooks: addresses of other programs that are told of what happens in it."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from annotation.events import channel_of
from annotation.models import Project
from web import egress, outbox
from web.models import Delivery, Subscription, User
from web.pages import Keyset, Page, id_place, page_by

MOST = 20
"""Webhooks of one project."""


class TooMany(ValueError):
    """A project has all the webhooks that it may have."""


def list_webhooks(project: Project) -> QuerySet[Subscription]:
    return Subscription.objects.filter(channel=channel_of(project)).order_by("pk")


def newest_deliveries(webhook: Subscription, query: QueryDict) -> Page[Delivery]:
    """Return a page of what was sent to a webhook, or waits, the newest first."""

    def read(place: int | None, backwards: bool, limit: int) -> list[Delivery]:
        found = webhook.deliveries.all()
        if backwards:
            return list(found.filter(pk__gt=place).order_by("pk")[:limit])
        earlier = found if place is None else found.filter(pk__lt=place)
        return list(earlier.order_by("-pk")[:limit])

    by_id = Keyset(read=read, place_of=lambda delivery: str(delivery.pk), place=id_place)
    return page_by(by_id, query)


@transaction.atomic
def make_webhook(*, project: Project, url: str, events: Sequence[str], user: User) -> Subscription:
    """Have `url` told of `events` from now on; its secret is `Subscription.secret`.

    Raises egress.Refused for an address that may not be asked, TooMany.
    """
    egress.check_url(url)
    locked = _lock(project)
    if list_webhooks(locked).count() >= MOST:
        raise TooMany(_("A project has %d webhooks at most.") % MOST)
    made = Subscription.objects.create(
        channel=channel_of(locked), url=url, events=sorted(set(events)), created_by=user
    )
    _announce(locked)
    return made


@transaction.atomic
def change_webhook(
    *, project: Project, webhook: Subscription, url: str, events: Sequence[str]
) -> None:
    """Give a webhook another address or other events. Raises egress.Refused."""
    egress.check_url(url)
    locked = _lock(project)
    webhook.url, webhook.events = url, sorted(set(events))
    webhook.save(update_fields=["url", "events"])
    _announce(locked)


@transaction.atomic
def delete_webhook(*, project: Project, webhook: Subscription) -> None:
    locked = _lock(project)
    webhook.delete()
    _announce(locked)


@transaction.atomic
def enable_webhook(*, project: Project, webhook: Subscription) -> None:
    """Let a webhook that was disabled go on; what waits for it is sent."""
    locked = _lock(project)
    webhook.enable()
    _announce(locked)
    transaction.on_commit(outbox.ring)


def ping(*, project: Project, webhook: Subscription) -> Delivery:
    """Send a webhook an event that says nothing, to see that all is well."""
    return outbox.ping(webhook, {"project": project.slug})


@transaction.atomic
def redeliver(delivery: Delivery) -> Delivery:
    """Send an event again, under the id that it had."""
    locked = Delivery.objects.select_for_update().get(pk=delivery.pk)
    locked.again()
    transaction.on_commit(outbox.ring)
    return locked


def _lock(project: Project) -> Project:
    return Project.objects.select_for_update(no_key=True).get(pk=project.pk)


def _announce(project: Project) -> None:
    """Note on a locked project which events anybody listens to.

    Also for disabled ones: what happens meanwhile is not theirs, but they may go on at any moment.
    """
    listened = {name for webhook in list_webhooks(project) for name in webhook.events}
    project.announces = sorted(listened)
    project.save(update_fields=["announces"])
