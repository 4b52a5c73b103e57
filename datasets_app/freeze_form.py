"""The form that says what a version of a dataset is to hold: plain widgets over `Rules`."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.models import Annotation, Project
from datasets_app import freeze_words as words
from datasets_app.containers import CONTAINERS
from datasets_app.exporters import EXPORTERS
from datasets_app.exporters.base import OptionRefused
from datasets_app.exporting import options_of
from datasets_app.form_rules import (
    NO_GENERATION,
    initial_of,
    labelers_of,
    percent,
    rules_json,
    with_names,
)
from datasets_app.held_out import PROJECT
from datasets_app.models import HeldOut, Snapshot
from datasets_app.rules import TRAIN, BadRules, Rules
from datasets_app.snapshots import Wanted
from web.models import User

SPLIT_ROWS = 3
MOST_SPLIT_ROWS = 50
OF_ANNOTATIONS = "is of annotations"
"""How `Rules` begins to say that a rule is none for verdicts and final answers."""
PERCENT = {"min_value": 0, "max_value": 100, "required": False}


def _several(label: Any, **how: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, required=False, widget=forms.CheckboxSelectMultiple, **how
    )


class FreezeForm(forms.Form):
    """Rules of a version and the formats to put it in.

    What the project has (labelers, generations, sources, …) is offered, together with what the
    rules that the form begins with name.
    """

    marks = forms.ChoiceField(label=gettext_lazy("Whose marks count"), choices=words.MARKS)
    labeler = forms.ChoiceField(label=gettext_lazy("The one labeler"), required=False)
    finish_reasons = _several(gettext_lazy("How the work ended"), choices=words.FINISH_REASONS)
    without_labelers = _several(gettext_lazy("Leave out the work of"))
    minimum_agreement = forms.FloatField(
        label=gettext_lazy("Least agreement on the first mistake, in %"),
        help_text=gettext_lazy("Leaves out what fewer than two labelers marked."),
        **PERCENT,  # type: ignore[arg-type] # django-stubs spells each
    )
    minimum_quality = forms.FloatField(
        label=gettext_lazy("Least quality of a labeler, in %"),
        help_text=gettext_lazy("How often they find the first mistake that others agreed on."),
        **PERCENT,  # type: ignore[arg-type] # as above
    )
    quality_control = forms.BooleanField(
        label=gettext_lazy("With quality-control solutions"), required=False
    )
    screening = forms.BooleanField(label=gettext_lazy("With screening solutions"), required=False)
    surplus = forms.BooleanField(
        label=gettext_lazy("With late work that no slot was left for"), required=False
    )
    correctness = forms.ChoiceField(
        label=gettext_lazy("Final answer"), choices=words.CORRECTNESS, initial="any"
    )
    generations = _several(gettext_lazy("Generations"))
    sources = _several(gettext_lazy("Sources"))
    subjects = _several(gettext_lazy("Subjects"))
    levels = _several(gettext_lazy("Levels"))
    max_per_problem = forms.IntegerField(
        label=gettext_lazy("Most solutions of a problem"), required=False, min_value=1
    )
    split_by = forms.ChoiceField(label=gettext_lazy("Problems are split"), choices=words.SPLIT_BY)
    seed = forms.IntegerField(
        label=gettext_lazy("Seed"), required=False, min_value=0, max_value=2**53
    )
    held_out = _several(gettext_lazy("Files that are held out"))
    held_out_projects = _several(gettext_lazy("Projects whose problems are held out"))
    neutral = forms.ChoiceField(
        label=gettext_lazy("Neutral marks"), choices=words.NEUTRAL, required=False
    )
    truncate = forms.ChoiceField(
        label=gettext_lazy("After the first mistake"), choices=words.TRUNCATE, required=False
    )
    alternatives = forms.ChoiceField(
        label=gettext_lazy("Other candidates for a step"),
        choices=words.ALTERNATIVES,
        required=False,
    )
    shard_solutions = forms.IntegerField(
        label=gettext_lazy("Solutions in a file"),
        required=False,
        min_value=1,
        max_value=1_000_000,
    )
    notes = forms.CharField(
        label=gettext_lazy("Notes on this version"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, data: Any, *, project: Project, user: User, last: Snapshot | None) -> None:
        begun = Rules.from_json(last.rules) if last else Rules()
        super().__init__(data, initial=initial_of(begun))
        self.label_suffix = ""
        self.begun = begun
        self.rules: Rules | None = None
        self.labelers = labelers_of(project, begun)
        self._offer(project, user, begun)
        posted = [
            int(name[6:]) for name in data or () if name[:6] == "share_" and name[6:].isdigit()
        ]
        rows = max([SPLIT_ROWS, len(begun.splits.shares), *(n + 1 for n in posted)])
        self._add_splits(min(rows, MOST_SPLIT_ROWS), begun)
        self._add_formats(last)

    def _offer(self, project: Project, user: User, begun: Rules) -> None:
        named = list(self.labelers.items())
        self._choose("labeler", [("", "–"), *named])
        self._choose("without_labelers", named)
        marks = Annotation.objects.filter(solution__project=project)
        rounds = set(marks.order_by().values_list("generation", flat=True).distinct())
        rounds |= set(begun.generations or ())
        numbers = sorted(one for one in rounds if one is not None)
        choices = [(str(one), str(one)) for one in numbers]
        if None in rounds:
            choices.append((NO_GENERATION, _("none")))
        self._choose("generations", choices)
        for name in ("source", "subject", "level"):
            found = set(project.problems.order_by().values_list(name, flat=True).distinct())
            found |= set(getattr(begun, f"{name}s"))
            self._choose(f"{name}s", [(one, one) for one in sorted(found - {""})])
        files = set(HeldOut.objects.filter(project=project).values_list("name", flat=True))
        others = Project.objects.visible_to(user).exclude(pk=project.pk).order_by("name")
        self._choose("held_out", [(one, one) for one in sorted(files)])
        self._choose("held_out_projects", [(PROJECT + one.slug, one.name) for one in others])

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def _add_splits(self, rows: int, begun: Rules) -> None:
        named = sorted(begun.splits.shares.items(), key=lambda one: (one[0] != TRAIN, one[0]))
        shares = [*named, *[("", None)] * rows]
        for n, (name, share) in enumerate(shares[:rows]):
            self.fields[f"split_{n}"] = forms.RegexField(
                r"^(?!all\Z)[a-z0-9_]{1,50}\Z",
                label=_("Split %(n)d") % {"n": n + 1},
                required=False,
                initial=name,
                error_messages={"invalid": _("Small letters, digits and _ alone, and not “all”.")},
            )
            self.fields[f"share_{n}"] = forms.FloatField(
                label=_("Share in %"),
                initial=percent(share),
                **PERCENT,  # type: ignore[arg-type] # as above
            )

    def _add_formats(self, last: Snapshot | None) -> None:
        before = {}
        if last:
            before = {one.format: one.container for one in last.exports.all()}
        for name in sorted(EXPORTERS):
            self.fields[f"format_{name}"] = forms.BooleanField(
                label=name, required=False, initial=name in before
            )
            self.fields[f"container_{name}"] = container_field(name, before.get(name, "parquet"))

    @property
    def splits(self) -> Iterator[tuple[forms.BoundField, forms.BoundField]]:
        names = [name[6:] for name in self.fields if name.startswith("share_")]
        return ((self[f"split_{n}"], self[f"share_{n}"]) for n in names)

    @property
    def chosen_from(self) -> list[forms.BoundField]:
        """What problems and marks are chosen by, as far as there is a choice."""
        names = ("generations", "sources", "subjects", "levels")
        return [self[name] for name in names if len(self[name])]

    @property
    def formats(self) -> Iterator[tuple[forms.BoundField, forms.BoundField]]:
        return ((self[f"format_{name}"], self[f"container_{name}"]) for name in sorted(EXPORTERS))

    def clean(self) -> None:
        if self.errors:
            return
        try:
            self.rules = Rules.from_json(rules_json(self.cleaned_data))
        except BadRules as error:
            self.refuse(error)
            return
        for one in self.wanted:
            try:
                options_of(one.format, self.rules, {})
            except OptionRefused as error:
                self.add_error(f"format_{one.format}", str(error))

    def refuse(self, error: BadRules) -> None:
        """Say what is wrong with the rules beside the fields that it is about."""
        for path, said in error.errors.items():
            top = path.split("[")[0]
            field = words.FIELDS.get(top, top)
            known = words.refusals().get(top, said)
            if said.startswith(OF_ANNOTATIONS):
                known = words.of_labelers()
            self.add_error(field if field in self.fields else None, known)

    @property
    def wanted(self) -> list[Wanted]:
        """The formats, once the form is found valid."""
        given = self.cleaned_data
        return [
            Wanted(format=name, container=given[f"container_{name}"])
            for name in sorted(EXPORTERS)
            if given[f"format_{name}"]
        ]

    @property
    def asked_formats(self) -> list[tuple[str, str]]:
        """Name and container of each format that is chosen, also before the form is sent."""
        chosen = [(wanted.label, wanted.value(), holds.value()) for wanted, holds in self.formats]
        return [(str(name), str(holds)) for name, is_wanted, holds in chosen if is_wanted]

    @property
    def said_rules(self) -> Rules:
        """The rules with names of labelers; of a form that nobody has sent, what it begins with."""
        return with_names(self.rules or self.begun, self.labelers)


def container_field(name: str, initial: str = "parquet") -> forms.ChoiceField:
    return forms.ChoiceField(
        widget=forms.Select(attrs={"aria-label": _("Container of %(format)s") % {"format": name}}),
        choices=[(one, one) for one in CONTAINERS],
        initial=initial,
        required=False,
    )
