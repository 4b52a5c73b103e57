"""The page of a user's own API tokens. It is here and not in `web`, as tokens open projects."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from annotation.tokens import list_tokens, make_token
from annotation.tokens_forms import TokenForm
from web import once
from web.models import ApiToken, Scope
from web.views import UserRequest


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: UserRequest) -> HttpResponse:
    """Show the tokens; a new one's secret is on the page that follows it, once."""
    form = TokenForm(request.user, request.POST or None, initial=asked_for(request))
    if form.is_valid():
        _token, secret = make_token(
            user=request.user,
            name=form.cleaned_data["name"],
            scopes=form.cleaned_data["scopes"],
            projects=form.chosen_projects,
            days=form.cleaned_data["days"],
        )
        return once.redirect_with(secret, reverse("tokens"))
    context = {
        "tokens": list_tokens(request.user),
        "form": form,
        "secret": once.secret_for(request),
        "now": timezone.now(),
    }
    return once.forget(request, render(request, "annotation/tokens.html", context))


def asked_for(request: UserRequest) -> dict[str, list[str]]:
    """Return what the form begins with: the scope that a page which links here says is needed."""
    scope = request.GET.get("scope", "")
    return {"scopes": [scope]} if scope in Scope.values else {}


@require_POST
def revoke(request: UserRequest) -> HttpResponse:
    mine = ApiToken.objects.filter(user=request.user)
    token = get_object_or_404(mine, pk=request.POST.get("token", ""))
    token.delete()
    messages.success(request, _("“%s” is revoked and opens nothing any more.") % token.name)
    return redirect("tokens")
