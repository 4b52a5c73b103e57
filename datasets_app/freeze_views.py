"""The page that freezes a version: what it is to hold, said in words before it begins."""

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from annotation import run_kinds
from annotation.views import managed_project
from datasets_app import snapshots
from datasets_app.freeze_form import FreezeForm
from datasets_app.models import Dataset, Snapshot
from datasets_app.rule_words import in_words
from datasets_app.rules import BadRules
from datasets_app.views import found_dataset, shown_and_posted
from web.views import UserRequest


@shown_and_posted
def freeze(request: UserRequest, slug: str, name: str) -> HttpResponse:
    """Ask for the rules, say them in words, and freeze once these have been read."""
    project = managed_project(request, slug)
    dataset = found_dataset(request, project, name)
    last = dataset.snapshots.order_by("-version").first()
    form = FreezeForm(request.POST or None, project=project, user=request.user, last=last)
    context: dict[str, object] = {"project": project, "dataset": dataset, "form": form}
    context["last"] = last
    if form.is_valid():
        if form.cleaned_data["said"] == form.digest:
            snapshot = _begin(request, dataset, form)
            if snapshot is not None:
                return redirect("snapshot", slug, name, snapshot.version)
        else:
            context |= {"said": form.digest, "changed": bool(form.cleaned_data["said"])}
            context["words"] = in_words(form.said_rules, _)
            context["formats"] = form.wanted
    return render(request, "datasets_app/freeze.html", context)


def _begin(request: UserRequest, dataset: Dataset, form: FreezeForm) -> Snapshot | None:
    """Begin to freeze what a valid form asks for; None where it says why that cannot be."""
    assert form.rules
    try:
        snapshot = snapshots.freeze(
            dataset=dataset,
            rules=form.rules,
            wanted=form.wanted,
            user=request.user,
            notes=form.cleaned_data["notes"],
        )
    except BadRules as error:
        form.refuse(error)
    else:
        transaction.on_commit(run_kinds.ring)
        return snapshot
    return None
