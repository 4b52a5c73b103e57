"""The pages of a project's webhooks: who is told of what, and what became of it."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import webhooks as use
from annotation.events import EVENTS
from annotation.rights import ProjectWithRights
from annotation.views import managed_project
from web import egress, once
from web.models import Delivery, Subscription
from web.views import UserRequest


class WebhookForm(forms.Form):
    url = forms.CharField(
        label=gettext_lazy("Address"),
        help_text=gettext_lazy("It begins with https://, and is on the public internet."),
        max_length=egress.LONGEST_URL,
        widget=forms.URLInput,
    )
    events = forms.MultipleChoiceField(
        label=gettext_lazy("What it is told of"),
        choices=list(EVENTS.items()),
        widget=forms.CheckboxSelectMultiple,
    )

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            egress.check_url(url)
        except egress.Refused as error:
            raise ValidationError(_("Not allowed: %s.") % error) from None
        return url


def found_webhook(
    request: UserRequest, slug: str, webhook_id: int
) -> tuple[ProjectWithRights, Subscription]:
    project = managed_project(request, slug)
    return project, get_object_or_404(use.list_webhooks(project), pk=webhook_id)


@require_http_methods(["GET", "HEAD", "POST"])
def webhooks(request: UserRequest, slug: str) -> HttpResponse:
    """List the webhooks; a POST makes one, whose secret is on the page that follows, once."""
    project = managed_project(request, slug)
    form = WebhookForm(request.POST or None)
    if form.is_valid():
        try:
            made = use.make_webhook(project=project, user=request.user, **form.cleaned_data)
        except use.TooMany as error:
            form.add_error(None, str(error))
        else:
            address = reverse("webhook", args=[slug, made.pk])
            return once.redirect_with(made.secret, address)
    rows = [(row, [EVENTS[name] for name in row.events]) for row in use.list_webhooks(project)]
    context = {"project": project, "form": form, "webhooks": rows}
    return render(request, "annotation/webhooks.html", context)


@never_cache
@require_safe
def webhook(request: UserRequest, slug: str, webhook_id: int) -> HttpResponse:
    """Show a webhook and what was sent to it."""
    project, found = found_webhook(request, slug, webhook_id)
    context = {
        "project": project,
        "webhook": found,
        "events": [EVENTS[name] for name in found.events],
        "page": use.newest_deliveries(found, request.GET),
        "secret": once.secret_for(request),
    }
    return once.forget(request, render(request, "annotation/webhook.html", context))


@require_POST
def rotate_webhook(request: UserRequest, slug: str, webhook_id: int) -> HttpResponse:
    _project, found = found_webhook(request, slug, webhook_id)
    found.change_secret()
    return once.redirect_with(found.secret, reverse("webhook", args=[slug, found.pk]))


@require_POST
def enable_webhook(request: UserRequest, slug: str, webhook_id: int) -> HttpResponse:
    project, found = found_webhook(request, slug, webhook_id)
    use.enable_webhook(project=project, webhook=found)
    messages.success(request, _("It is told again, and first of what waits for it."))
    return redirect("webhook", slug, webhook_id)


@require_POST
def ping_webhook(request: UserRequest, slug: str, webhook_id: int) -> HttpResponse:
    project, found = found_webhook(request, slug, webhook_id)
    use.ping(project=project, webhook=found)
    messages.success(request, _("A ping is on its way. Load this page again to see it arrive."))
    return redirect("webhook", slug, webhook_id)


@require_POST
def delete_webhook(request: UserRequest, slug: str, webhook_id: int) -> HttpResponse:
    project, found = found_webhook(request, slug, webhook_id)
    use.delete_webhook(project=project, webhook=found)
    messages.success(request, _("%s is told of nothing any more.") % found.url)
    return redirect("webhooks", slug)


@require_POST
def redeliver(request: UserRequest, slug: str, webhook_id: int, delivery: UUID) -> HttpResponse:
    _project, found = found_webhook(request, slug, webhook_id)
    row: Delivery = get_object_or_404(found.deliveries, uuid=delivery)
    use.redeliver(row)
    messages.success(request, _("It is sent again, under the id that it had."))
    return redirect("webhook", slug, webhook_id)
