"""What every operation of the REST API shares in its description (OpenAPI)."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import force_instance
from rest_framework import serializers

from web.api_bodies import Body
from web.etags import Tagged
from web.idempotency import HEADER, OnceView
from web.ndjson import MEDIA_TYPE

PROJECT = "/api/v1/projects/{slug}/"
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `ETag` of an earlier answer: 304 where nothing has changed since.",
    "schema": {"type": "string"},
}
IDEMPOTENCY_KEY = {
    "name": HEADER,
    "in": "header",
    "description": "Sent again under the same key, a request is done once.",
    "schema": {"type": "string"},
}

SECURITY = {
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Token smk_…`, made on your account's page; never above your own rights.",
    },
    "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
}


class FieldError(serializers.Serializer[Any]):
    field = serializers.CharField(help_text='A path such as `steps.0.text`; "" for the whole.')
    code = serializers.CharField()
    detail = serializers.CharField()


class Error(serializers.Serializer[Any]):
    """What every refusal and every fault looks like."""

    detail = serializers.CharField(help_text="For people.")
    code = serializers.CharField(help_text="For programs.")
    request_id = serializers.CharField(help_text="To ask about it by; also in `X-Request-ID`.")
    errors = FieldError(many=True, help_text="By field.")  # type: ignore[assignment] # of that name


def add_security(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Describe how clients show who they are (a hook of drf-spectacular)."""
    result["components"]["securitySchemes"] = SECURITY
    return result


class Schema(AutoSchema):
    """drf-spectacular's, with the one shape of errors, 304 and streams where a view has them."""

    def get_tags(self) -> list[str]:
        parts = self.path.removeprefix(PROJECT).removeprefix("/api/v1/").split("/")
        return [parts[0] or "projects"]

    def get_auth(self) -> list[dict[str, Any]]:
        return [{name: []} for name in SECURITY]

    def _map_basic_serializer(self, serializer: Any, direction: str) -> dict[str, Any]:
        serializer = force_instance(serializer)  # type: ignore[no-untyped-call]  # it has no types
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]  # nor it
        if isinstance(serializer, Body):
            schema["additionalProperties"] = False
        return schema

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        responses = operation["responses"]
        error = self.resolve_serializer(Error, "response").ref
        responses["default"] = {
            "description": "Refused, or failed.",
            "content": {"application/json": {"schema": error}},
        }
        if self.method == "GET" and isinstance(self.view, Tagged):
            responses["304"] = {"description": "The client has it already."}
            operation.setdefault("parameters", []).append(IF_NONE_MATCH)
        if self.method == "POST" and isinstance(self.view, OnceView):
            operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
        stream = responses.get("200", {}).get("content", {}).get(MEDIA_TYPE)
        if stream is not None:
            stream["schema"] = {
                "type": "string",
                "description": "All rows, one object like those of `results` a line. Only filters"
                " are parameters then.",
            }
        return operation
