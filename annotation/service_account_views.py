"""The page of a project's service accounts: programs that mark, and their tokens."""

from django import forms
from django.contrib import messages
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from annotation import service_accounts as use
from annotation.models import Membership
from annotation.tokens_forms import LONGEST_DAYS, SCOPES
from annotation.views import managed_project
from web import once
from web.models import Scope
from web.views import UserRequest


class AccountForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("Its marks carry this name, as those of a model."),
        max_length=150,
        validators=[UnicodeUsernameValidator()],
    )


class ServiceTokenForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("What it is for"), max_length=200)
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it may do"),
        choices=[(scope, words) for scope, words in SCOPES if scope in use.SCOPES],
        initial=[Scope.LABEL],
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.IntegerField(
        label=gettext_lazy("Days it lasts"), min_value=1, max_value=LONGEST_DAYS, initial=90
    )


def found_account(request: UserRequest, slug: str, member_id: int) -> Membership:
    project = managed_project(request, slug)
    return get_object_or_404(use.list_service_accounts(project), pk=member_id)


@require_http_methods(["GET", "HEAD", "POST"])
def accounts(request: UserRequest, slug: str) -> HttpResponse:
    """List the programs; a POST makes an account for one."""
    project = managed_project(request, slug)
    form = AccountForm(request.POST or None)
    if form.is_valid():
        try:
            made = use.make_service_account(project=project, **form.cleaned_data)
        except use.NameTaken as error:
            form.add_error("name", str(error))
        else:
            return redirect("service_account", slug, made.pk)
    context = {"project": project, "form": form, "accounts": use.list_service_accounts(project)}
    return render(request, "annotation/service_accounts.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: UserRequest, slug: str, member_id: int) -> HttpResponse:
    """Show a program and its tokens; a POST makes one, shown on the page that follows, once."""
    member = found_account(request, slug, member_id)
    form = ServiceTokenForm(request.POST or None)
    if form.is_valid():
        _token, secret = use.make_service_token(membership=member, **form.cleaned_data)
        return once.redirect_with(secret, reverse("service_account", args=[slug, member_id]))
    context = {
        "project": managed_project(request, slug),
        "member": member,
        "tokens": use.tokens_of(member),
        "form": form,
        "secret": once.secret_for(request),
        "now": timezone.now(),
    }
    return once.forget(request, render(request, "annotation/service_account.html", context))


@require_POST
def revoke(request: UserRequest, slug: str, member_id: int, token: str) -> HttpResponse:
    member = found_account(request, slug, member_id)
    found = get_object_or_404(use.tokens_of(member), token_key=token)
    found.delete()
    messages.success(request, _("“%s” is revoked and opens nothing any more.") % found.name)
    return redirect("service_account", slug, member_id)
