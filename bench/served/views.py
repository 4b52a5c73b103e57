"""Views that do as little as a view can, to compare with."""

from django.http import HttpRequest, HttpResponse


def empty(request: HttpRequest) -> HttpResponse:
    """An empty answer, behind the same middleware and login as any page."""
    return HttpResponse()
