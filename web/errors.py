"""One shape for every error, and an id on every response to ask about it by.

Under `/api/` an error is JSON, `{detail, code, request_id, errors}`; elsewhere a page.
`errors` lists what is wrong with each field: `{field, code, detail}`, where `field` is a
dotted path such as `steps.0.text`, and "" stands for the whole.
"""

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from rest_framework import exceptions, views
from rest_framework.request import Request
from rest_framework.response import Response

logger = logging.getLogger(__name__)

HEADER = "X-Request-ID"
ID_KEY = "stepmark.request_id"


class BadAddress(BadRequest):
    """An address that no page of ours links to. Its text is shown, so it never quotes input."""


class RequestIdMiddleware:
    """Gives each request an id of our own making; one that a client sends is ignored."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.META[ID_KEY] = uuid.uuid4().hex
        response = self.get_response(request)
        response[HEADER] = request_id(request)
        return response


def request_id(request: HttpRequest | Request) -> str:
    return str(request.META.get(ID_KEY, ""))


def error_body(
    request: HttpRequest | Request,
    *,
    detail: str,
    code: str,
    errors: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    return {
        "detail": detail,
        "code": code,
        "request_id": request_id(request),
        "errors": list(errors),
    }


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an exception that a DRF view raised, or return None for one that is a fault."""
    response = views.exception_handler(exc, context)
    if response is None:
        return None
    request = context["request"]
    if isinstance(exc, exceptions.ValidationError):
        response.data = error_body(
            request,
            detail=_("Some of what was sent is not right."),
            code="invalid",
            errors=list(field_errors(exc.detail)),
        )
    else:
        detail = response.data["detail"]
        # Django's own words name the model.
        said = _("Not found.") if isinstance(exc, Http404) else str(detail)
        response.data = error_body(request, detail=said, code=detail.code)
    return response


def field_errors(detail: Any, field: str = "") -> Iterator[dict[str, str]]:
    """Yield the errors of DRF's nested `detail` one by one, each with its path."""
    if isinstance(detail, dict):
        for name, part in detail.items():
            yield from field_errors(part, f"{field}.{name}".lstrip("."))
    elif isinstance(detail, list):
        for index, part in enumerate(detail):
            nested = isinstance(part, dict | list)
            yield from field_errors(part, f"{field}.{index}".lstrip(".") if nested else field)
    else:
        yield {"field": field, "code": detail.code, "detail": str(detail)}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    said = str(exception) if isinstance(exception, BadAddress) else ""
    detail = said or _("Your browser sent something that this site does not understand.")
    return answer(request, 400, code="bad_request", title=_("Bad request"), detail=detail)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    detail = _("Your account may not do this.")
    return answer(request, 403, code="permission_denied", title=_("Not allowed"), detail=detail)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    detail = _("The form has expired. Go back, load the page again and send it once more.")
    return answer(request, 403, code="csrf_failed", title=_("Not sent"), detail=detail)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    detail = _("There is nothing here, or nothing that your account may see.")
    return answer(request, 404, code="not_found", title=_("Not found"), detail=detail)


def server_error(request: HttpRequest) -> HttpResponse:
    # Django logs the traceback; this line ties it to the id that the reader sees.
    logger.error("request %s failed: %s %s", request_id(request), request.method, request.path)
    detail = _("Something went wrong on our side, and it has been written down.")
    return answer(request, 500, code="error", title=_("Error"), detail=detail)


def answer(
    request: HttpRequest, status: int, *, code: str, title: str, detail: str
) -> HttpResponse:
    """Say what is wrong, without the session or the database: either may be what failed."""
    body = error_body(request, detail=detail, code=code)
    if request.path.startswith("/api/"):
        return JsonResponse(body, status=status)
    page = render_to_string("web/error.html", {**body, "title": title, "status": status})
    return HttpResponse(page, status=status)
