"""The doors to a user's own settings."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import views as auth
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from web.account_forms import KeysForm, SettingsForm
from web.keys import NAMED, changed
from web.locale import activate_for
from web.views import UserRequest

shown_and_posted = require_http_methods(["GET", "HEAD", "POST"])


@shown_and_posted
def account(request: UserRequest) -> HttpResponse:
    form = SettingsForm(request.POST or None, instance=request.user)
    if form.is_valid():
        user = form.save(commit=False)
        user.save(update_fields=list(form.fields))
        activate_for(user)
        return saved(request, "account")
    return render(request, "web/account.html", {"form": form})


@shown_and_posted
def account_keys(request: UserRequest) -> HttpResponse:
    form = KeysForm(request.user, request.POST or None)
    if "reset" in request.POST:
        return keep_keys(request, {})
    if form.is_valid():
        return keep_keys(request, changed(form.keys))
    return render(request, "web/account_keys.html", {"form": form, "named": NAMED})


def keep_keys(request: UserRequest, keys: dict[str, list[str]]) -> HttpResponse:
    request.user.keys = keys
    request.user.save(update_fields=["keys"])
    return saved(request, "account_keys")


def saved(request: HttpRequest, page: str) -> HttpResponse:
    messages.success(request, _("Saved."))
    return redirect(page)


class PasswordView(auth.PasswordChangeView):
    """Django's; it ends the user's other sessions and keeps this one."""

    template_name = "web/account_password.html"
    success_url = reverse_lazy("account_password")
    http_method_names = ("get", "head", "options", "post")

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, _("Your password is changed."))
        return super().form_valid(form)
