"""The doors that need no project: logging in and out, and the health check."""

from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponseRedirect, JsonResponse
from django.templatetags.static import static
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from web.health import health
from web.models import User


class UserRequest(HttpRequest):
    """A request behind the login wall, which lets no one through who is not a user."""

    user: User


class LogoutView(auth.LogoutView):
    http_method_names = ("options", "post")


@login_not_required
@require_safe
def favicon(request: HttpRequest) -> HttpResponseRedirect:
    """Browsers ask for it where a page names no icon of its own."""
    return HttpResponseRedirect(static("web/mark.svg"))


@login_not_required
@never_cache
@require_safe
def health_check(request: HttpRequest) -> JsonResponse:
    found = health()
    return JsonResponse(found, status=503 if found["status"] == "down" else 200)
