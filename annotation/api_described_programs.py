"""What the doors for other programs take and answer, for the API's schema."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)
from rest_framework.views import APIView

from annotation import api_sampling, api_service_accounts, api_webhooks
from annotation.api_answers import RunShape
from web.api_schema import Error

PLACES = [OpenApiParameter(name, OpenApiTypes.STR) for name in ("after", "before")]
CONFLICT = OpenApiResponse(Error, "Not now, or still being worked on: `code` says which.")
OTHER = OpenApiResponse(Error, "The key came with another request before.")


def door(
    view: type[APIView],
    method: str,
    request: Any = None,
    answer: Any = OpenApiTypes.OBJECT,
    *,
    status: int = 200,
    pages: bool = False,
    name: str | None = None,
) -> None:
    """Say what `method` of `view` takes and answers."""
    refused = {409: CONFLICT, 422: OTHER} if method == "post" else {}
    operation = extend_schema(
        operation_id=name,
        request=request,
        responses=answer if isinstance(answer, dict) else {status: answer, **refused},
        parameters=PLACES if pages else [],
    )
    extend_schema_view(**{method: operation})(view)


def describe() -> None:
    """Describe them all, once."""
    webhook, hooks = api_webhooks.WebhookFields, api_webhooks
    door(api_sampling.SamplingView, "post", api_sampling.SamplingFields, RunShape, status=202)
    door(hooks.WebhooksView, "get", name="projects_webhooks_list")
    door(hooks.WebhooksView, "post", webhook, status=201)
    door(hooks.WebhookView, "get")
    door(hooks.WebhookView, "put", webhook)
    door(hooks.WebhookView, "delete", answer=None, status=204)
    door(hooks.RotateWebhookView, "post")
    door(hooks.EnableWebhookView, "post")
    door(hooks.PingWebhookView, "post", status=202)
    door(hooks.DeliveriesView, "get", pages=True)
    door(hooks.RedeliverView, "post", status=202)
    accounts = api_service_accounts
    door(accounts.ServiceAccountsView, "get", name="projects_service_accounts_list")
    door(accounts.ServiceAccountsView, "post", accounts.AccountFields, status=201)
    door(accounts.ServiceAccountView, "get")
    door(accounts.ServiceAccountView, "delete", answer=None, status=204)
    door(accounts.ServiceTokensView, "post", accounts.TokenFields, status=201)
    door(accounts.ServiceTokenView, "delete", answer=None, status=204)
