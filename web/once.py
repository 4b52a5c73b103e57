"""A secret that the page after a form shows once. The browser carries it there, in a signed cookie
for that page's address alone: no server keeps it, and loading the page again sends nothing again.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

COOKIE = "shown_once"
SECONDS = 60
"""In which the page must be asked for."""


def redirect_with(secret: str, address: str) -> HttpResponse:
    """Send the browser on to the page at `address`, an absolute path, with a secret for it."""
    response = redirect(address)
    response.set_signed_cookie(
        COOKIE,
        secret,
        salt=address,
        max_age=SECONDS,
        path=address,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
    return response


def secret_for(request: HttpRequest) -> str:
    """Return the secret that this page is to show, "" without one."""
    return request.get_signed_cookie(COOKIE, "", salt=request.path, max_age=SECONDS) or ""


def forget(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Have the browser forget what this page has shown."""
    if COOKIE in request.COOKIES:
        response.delete_cookie(COOKIE, path=request.path, samesite="Strict")
    return response
