"""The page that freezes a version: what it is to hold, said in words while one chooses."""

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
    """Ask for the rules, and say them in words; freeze by them where that button was pressed."""
    project = managed_project(request, slug)
    dataset = found_dataset(request, project, name)
    form = FreezeForm(
        request.POST or None, project=project, user=request.user, last=newest(dataset)
    )
    if request.POST.get("do") == "freeze" and form.is_valid():
        snapshot = begin(request, dataset, form)
        if snapshot is not None:
            return redirect("snapshot", slug, name, snapshot.version)
    last = newest(dataset)
    context = {
        "project": project,
        "dataset": dataset,
        "form": form,
        "last": last,
        "let_in": [] if form.is_bound else no_longer_held_out(dataset, last),
        "next": last.version + 1 if last else 1,
        "wrong": [(form[name], said) for name, said in form.errors.items() if name in form.fields],
        "words": [] if form.errors else in_words(form.said_rules, _),
    }
    return render(request, "datasets_app/freeze.html", context)


def newest(dataset: Dataset) -> Snapshot | None:
    return dataset.snapshots.order_by("-version").first()


def no_longer_held_out(dataset: Dataset, last: Snapshot | None) -> list[str]:
    """Return what versions before the last one held out and the last one, by mistake maybe, not."""
    every = dataset.snapshots.values_list("rules__held_out", flat=True)
    held_out = {name for names in every for name in names or ()}
    return sorted(held_out.difference(last.rules.get("held_out", ()))) if last else []


@transaction.atomic
def begin(request: UserRequest, dataset: Dataset, form: FreezeForm) -> Snapshot | None:
    """Begin to freeze what a valid form asks for; None where it says why that cannot be.

    The form names the version that it makes, so that a button that is pressed twice makes one.
    """
    assert form.rules
    Dataset.objects.select_for_update().get(pk=dataset.pk)
    last, named = newest(dataset), request.POST.get("version")
    if last and str(last.version) == named and is_asked(last, request, form):
        return last
    if named != str(last.version + 1 if last else 1):
        said = _("Another version was made meanwhile. Look again, and freeze the next one.")
        form.add_error(None, said)
        return None
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
        return None
    transaction.on_commit(run_kinds.ring)
    return snapshot


def is_asked(snapshot: Snapshot, request: UserRequest, form: FreezeForm) -> bool:
    """Whether a version is what the same person asked for by the same form."""
    assert form.rules
    exports = sorted((one.format, one.container) for one in snapshot.exports.all())
    return (
        snapshot.created_by == request.user
        and snapshot.rules == form.rules.as_json()
        and exports == sorted((one.format, one.container) for one in form.wanted)
    )
