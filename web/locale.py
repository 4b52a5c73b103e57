"""The language and the time zone that a user has chosen, for the time of a request."""

import logging
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from web.models import User

logger = logging.getLogger(__name__)


def written_for_reader(package: str, path: str) -> str:
    """Return a text that a package brings: in the reader's language where `path` has a file
    beside it that names the language, as default.ja.md beside default.md.
    """
    return _written(package, path, translation.get_language() or settings.LANGUAGE_CODE)


@cache
def _written(package: str, path: str, language: str) -> str:
    stem, dot, kind = path.rpartition(".")
    folder = files(package)
    translated = folder / f"{stem}.{language}{dot}{kind}"
    return (translated if translated.is_file() else folder / path).read_text("utf-8")


class UserLocale:
    """Speaks to each user in their own language and time zone.

    Without a choice of theirs the language is the browser's, which LocaleMiddleware has found, and
    the time zone is the site's. An open page is answered without a look at who asks (`LoginWall`).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        finally:
            # The thread goes on to serve others; their language is set anew, the zone is not.
            timezone.deactivate()

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., Any],
        view_args: tuple[Any, ...],
        view_kwargs: dict[str, Any],
    ) -> None:
        if getattr(view_func, "login_required", True):
            activate_for(request.user)


def activate_for(user: User | AnonymousUser) -> None:
    """Use what `user` has chosen from here to the end of the request."""
    if not isinstance(user, User):
        return
    if user.language in dict(settings.LANGUAGES):
        translation.activate(user.language)
    if user.time_zone:
        try:
            timezone.activate(ZoneInfo(user.time_zone))
        except (ZoneInfoNotFoundError, ValueError):
            logger.warning("user %s has the unknown time zone %r", user.pk, user.time_zone)
