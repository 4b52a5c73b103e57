"""A project's webhooks over REST, for those who manage it."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import webhooks
from annotation.api_runs import ManagedView
from annotation.events import EVENTS
from annotation.models import Project
from web.api_bodies import Body
from web.api_pages import check_parameters
from web.egress import LONGEST_URL, Refused
from web.models import Delivery, Subscription
from web.pages import refuse_unknown


class WebhookFields(Body[dict[str, Any]]):
    url = serializers.CharField(max_length=LONGEST_URL)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=sorted(EVENTS)), allow_empty=False, max_length=50
    )


def webhook_json(project: Project, webhook: Subscription) -> dict[str, Any]:
    """Return a webhook as clients read it, without its secret."""
    return {
        "id": webhook.pk,
        "url": webhook.url,
        "events": webhook.events,
        "is_enabled": webhook.disabled_at is None,
        "disabled_because": webhook.disabled_because,
        "failed_in_a_row": webhook.failed_in_a_row,
        "created_at": webhook.created_at,
        "deliveries": reverse("api_deliveries", args=[project.slug, webhook.pk]),
    }


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": str(delivery.uuid),
        "event": delivery.event,
        "payload": delivery.payload,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "created_at": delivery.created_at,
        "next_try_at": None if delivery.ended_at else delivery.next_try_at,
        "ended_at": delivery.ended_at,
    }


class WebhookDoor(ManagedView):
    shown_once = ("secret",)

    def webhook(self, project: Project, webhook_id: int) -> Subscription:
        return get_object_or_404(webhooks.list_webhooks(project), pk=webhook_id)

    def refused_url(self, error: Refused) -> ValidationError:
        return ValidationError({"url": [_("Not allowed: %s.") % error]})

    def with_secret(self, project: Project, webhook: Subscription) -> dict[str, Any]:
        return {**webhook_json(project, webhook), "secret": webhook.secret}


class WebhooksView(WebhookDoor):
    def get(self, request: Request, slug: str) -> Response:
        """List the project's webhooks."""
        check_parameters(request, ())
        project = self.project(slug)
        found = [webhook_json(project, row) for row in webhooks.list_webhooks(project)]
        return Response({"webhooks": found})

    def post(self, request: Request, slug: str) -> Response:
        """Make a webhook; its secret is in this answer, and never again."""
        project, sent = self.project(slug), self.sent(WebhookFields)
        try:
            made = webhooks.make_webhook(project=project, user=self.user, **sent)
        except Refused as error:
            raise self.refused_url(error) from None
        except webhooks.TooMany as error:
            raise ValidationError(str(error)) from None
        location = reverse("api_webhook", args=[slug, made.pk])
        return Response(
            self.with_secret(project, made),
            status=status.HTTP_201_CREATED,
            headers={"Location": location},
        )


class WebhookView(WebhookDoor):
    def get(self, request: Request, slug: str, webhook_id: int) -> Response:
        """Say how a webhook is."""
        check_parameters(request, ())
        project = self.project(slug)
        return Response(webhook_json(project, self.webhook(project, webhook_id)))

    def put(self, request: Request, slug: str, webhook_id: int) -> Response:
        """Give a webhook another address and other events."""
        project = self.project(slug)
        webhook, sent = self.webhook(project, webhook_id), self.sent(WebhookFields)
        try:
            webhooks.change_webhook(project=project, webhook=webhook, **sent)
        except Refused as error:
            raise self.refused_url(error) from None
        return Response(webhook_json(project, webhook))

    def delete(self, request: Request, slug: str, webhook_id: int) -> Response:
        """Delete a webhook and what was to be sent to it."""
        project = self.project(slug)
        webhooks.delete_webhook(project=project, webhook=self.webhook(project, webhook_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class RotateWebhookView(WebhookDoor):
    def post(self, request: Request, slug: str, webhook_id: int) -> Response:
        """Make a new secret; the one before goes on signing beside it for a day."""
        project = self.project(slug)
        webhook = self.webhook(project, webhook_id)
        webhook.change_secret()
        return Response(self.with_secret(project, webhook))


class EnableWebhookView(WebhookDoor):
    def post(self, request: Request, slug: str, webhook_id: int) -> Response:
        """Let a disabled webhook go on, with what waits for it."""
        project = self.project(slug)
        webhook = self.webhook(project, webhook_id)
        webhooks.enable_webhook(project=project, webhook=webhook)
        return Response(webhook_json(project, webhook))


class PingWebhookView(WebhookDoor):
    def post(self, request: Request, slug: str, webhook_id: int) -> Response:
        """Send an event that says nothing, to see that all is well."""
        project = self.project(slug)
        made = webhooks.ping(project=project, webhook=self.webhook(project, webhook_id))
        return Response(delivery_json(made), status=status.HTTP_202_ACCEPTED)


class DeliveriesView(WebhookDoor):
    def get(self, request: Request, slug: str, webhook_id: int) -> Response:
        """List what was sent, or waits, the newest first."""
        refuse_unknown(request.query_params, ())
        webhook = self.webhook(self.project(slug), webhook_id)
        page = webhooks.newest_deliveries(webhook, request.query_params)
        found = [delivery_json(row) for row in page.rows]
        return Response({"deliveries": found, "next": page.next, "previous": page.previous})


class RedeliverView(WebhookDoor):
    def post(self, request: Request, slug: str, webhook_id: int, delivery: UUID) -> Response:
        """Send an event again, under the id that it had."""
        webhook = self.webhook(self.project(slug), webhook_id)
        found = get_object_or_404(webhook.deliveries, uuid=delivery)
        return Response(delivery_json(webhooks.redeliver(found)), status=status.HTTP_202_ACCEPTED)
