"""Strong validators: a client that has an answer already is told so (304), not sent it again."""

from hashlib import sha256
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


def etag_of(*parts: object) -> str:
    """Return an entity tag that differs where any of `parts` differs."""
    return f'"{sha256(repr(parts).encode()).hexdigest()[:32]}"'


def unchanged(request: Request, etag: str) -> HttpResponseBase | None:
    """Return the 304 for a client that has what `etag` stands for, else None."""
    response: HttpResponse | None = get_conditional_response(request._request, etag=etag)
    return None if response is None else mark(response, etag)


def mark(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    """Let a client keep `response`, if it asks each time whether it still holds."""
    response["ETag"] = etag
    patch_cache_control(response, private=True, no_cache=True)
    return response


class Tagged(APIView):
    """A view whose answers to GET are tagged by their bytes, unless it tagged them itself."""

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        is_fresh = request.method in {"GET", "HEAD"} and final.status_code == 200
        if not is_fresh or final.streaming or "ETag" in final:
            return final
        if isinstance(final, Response):
            # Its bytes are known once it is rendered; what this returns is sent instead.
            final.add_post_render_callback(lambda rendered: _by_bytes(request, rendered))
            return final
        return _by_bytes(request, final)


def _by_bytes(request: Request, response: HttpResponse) -> HttpResponseBase:
    etag = etag_of(response.content)
    return unchanged(request, etag) or mark(response, etag)
