"""The wall that lets no one but users through, and the one door in it."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth import views as auth
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from web import errors, login_limit
from web.models import User

logger = logging.getLogger(__name__)


class LoginWall(LoginRequiredMiddleware):
    """Django's, but an open page is opened without a look at who asks.

    Django loads the user first, and without a database the health check would be a fault.
    """

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponseBase],
        view_args: tuple[Any, ...],
        view_kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        if not getattr(view_func, "login_required", True):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)


class PeopleBackend(ModelBackend):
    """Django's, for people: a program's account has neither a password nor a session."""

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        return super().user_can_authenticate(user) and not getattr(user, "is_service", False)


class LoginView(auth.LoginView):
    """Django's, for the admin too, behind `login_limit`. It says the same of every failure."""

    template_name = "web/login.html"
    http_method_names = ("get", "head", "options", "post")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        name, address = request.POST.get("username", ""), login_limit.address_of(request)
        try:
            self.attempt = login_limit.begin(name=name, address=address)
        except login_limit.Locked as locked:
            return _too_many(request, locked)
        except RedisError:
            # Who cannot count failures lets nobody in: else anybody could go on guessing.
            logger.exception("a log-in was refused: the cache that counts them does not answer")
            return _not_now(request)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        self.attempt.succeeded()
        return super().form_valid(form)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        self.attempt.failed()
        return super().form_invalid(form)


def user_by_password(request: HttpRequest, *, name: str, password: str) -> User | None:
    """Return whom a name and a password let in, counted as a log-in is; None when nobody."""
    try:
        attempt = login_limit.begin(name=name, address=login_limit.address_of(request))
    except (login_limit.Locked, RedisError):
        return None
    user = authenticate(request, username=name, password=password)
    if not isinstance(user, User):
        attempt.failed()
        return None
    attempt.succeeded()
    return user


def _too_many(request: HttpRequest, locked: login_limit.Locked) -> HttpResponse:
    """Say when to try again, and nothing of the account: there may be none."""
    until = datetime.fromtimestamp(locked.until, UTC)
    context = {"until": until, "minutes": -(-locked.seconds // 60)}
    response = render(request, "web/login_locked.html", context, status=429)
    response["Retry-After"] = str(locked.seconds)
    return response


def _not_now(request: HttpRequest) -> HttpResponse:
    return errors.answer(
        request,
        503,
        code="unavailable",
        title=_("Not now"),
        detail=_("Nobody can log in for the moment. Try again in a few minutes."),
    )
