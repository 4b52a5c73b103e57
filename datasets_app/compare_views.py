"""The page that compares two versions of a dataset."""

from itertools import groupby
from operator import itemgetter
from typing import Any

import orjson
from django import forms
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation import run_kinds
from annotation.models import Project
from datasets_app import snapshots, version_runs
from datasets_app.about import compared_in
from datasets_app.comparing import LISTED, compare
from datasets_app.form_rules import labelers_of, with_names
from datasets_app.marked import Json
from datasets_app.models import Dataset, Snapshot
from datasets_app.rule_words import in_words
from datasets_app.rules import Rules
from datasets_app.views import found_dataset, read_project, shown_and_posted
from web.views import UserRequest

AT_ONCE = 5_000
"""Marked solutions of both versions together that are compared while somebody waits."""
SHOWN = 20
"""Problems with solutions that differ; the counts are of all."""


class ComparisonForm(forms.Form):
    before = forms.TypedChoiceField(label=gettext_lazy("From version"), coerce=int)
    after = forms.TypedChoiceField(label=gettext_lazy("to version"), coerce=int)

    def __init__(self, data: Any, *, dataset: Dataset) -> None:
        rows = dataset.snapshots.frozen().order_by("-version")
        self.versions = {one.version: one for one in rows}
        numbers = list(self.versions)
        initial = {"after": numbers[0], "before": numbers[1]} if len(numbers) > 1 else {}
        super().__init__(data, initial=initial, label_suffix="")
        for name in ("before", "after"):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [(number, f"v{number}") for number in numbers]

    @property
    def chosen(self) -> tuple[Snapshot, Snapshot]:
        given = self.cleaned_data
        return self.versions[given["before"]], self.versions[given["after"]]


@shown_and_posted
def comparison(request: UserRequest, slug: str, name: str) -> HttpResponse:
    """Show what two versions differ in; a POST has the workers find it out."""
    project = read_project(request, slug)
    dataset = found_dataset(request, project, name)
    if request.method == "POST" and not project.may_manage:
        raise PermissionDenied
    form = ComparisonForm(request.POST or request.GET or None, dataset=dataset)
    context: dict[str, object] = {"project": project, "dataset": dataset, "form": form}
    if form.is_valid():
        before, after = form.chosen
        run = version_runs.comparing_run(before, after)
        if request.method == "POST":
            if run is None or not run.is_unfinished:
                snapshots.begin_comparison(before=before, after=after, user=request.user)
                transaction.on_commit(run_kinds.ring)
            return redirect(f"{request.path}?before={before.version}&after={after.version}")
        context |= {"before": before, "after": after, "run": run}
        context |= differences(project, before, after)
    return render(request, "datasets_app/comparison.html", context)


def differences(project: Project, before: Snapshot, after: Snapshot) -> dict[str, object]:
    """Return what two versions differ in, as the page says it: their rules, and what they hold."""
    old, new = (said(project, one) for one in (before, after))
    found = found_between(before, after)
    listed = found["listed"] if found else []
    problems = [list(group) for _key, group in groupby(listed, itemgetter("problem"))]
    return {
        "found": found,
        "old_words": [one for one in old if one not in new],
        "new_words": [one for one in new if one not in old],
        "problems": problems[:SHOWN],
        "is_cut": len(problems) > SHOWN or len(listed) == LISTED,
    }


def said(project: Project, snapshot: Snapshot) -> list[str]:
    rules = Rules.from_json(snapshot.rules)
    return in_words(with_names(rules, labelers_of(project, rules)), _)


def found_between(before: Snapshot, after: Snapshot) -> Json | None:
    """Return what two versions differ in; None where that takes too long and nobody has yet."""
    kept = after.files.filter(path=compared_in(before)).first()
    if kept is not None:
        with kept.opened() as file:
            found: Json = orjson.loads(file.read())
        return found
    splits = [split for one in (before, after) for split in one.manifest["splits"].values()]
    if sum(split["marked"] for split in splits) > AT_ONCE:
        return None
    return compare(before, after).as_json()
