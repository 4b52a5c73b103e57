"""The forms that make and change projects."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.candidate_drawing import drawing_of
from annotation.changes import SETTINGS, mode_is_fixed, settings_of
from annotation.guidelines import LONGEST
from annotation.models import Project
from labelers.engines import ENGINES

if TYPE_CHECKING:  # Django's own class takes no type parameters when it runs
    ProjectForm = forms.ModelForm[Project]
else:
    ProjectForm = forms.ModelForm

RESERVED = frozenset({"new"})
"""Addresses under /projects/ that are pages of their own."""
MODES = (
    ("review", gettext_lazy("Review: mark a finished solution up to its first mistake")),
    ("explore", gettext_lazy("Explore: build a solution step by step")),
)
ORDERS = (
    ("oldest", gettext_lazy("Oldest first")),
    ("convincing", gettext_lazy("Most convincing wrong answers first")),
    ("random", gettext_lazy("In a random order")),
)
WORDS: dict[str, dict[str, Any]] = {"mode": dict(MODES), "queue_order": dict(ORDERS)}
LABELS = {
    "name": gettext_lazy("Name"),
    "slug": gettext_lazy("Short name for addresses"),
    "mode": gettext_lazy("Way of marking"),
    "overlap": gettext_lazy("How many people mark each solution"),
    "queue_order": gettext_lazy("What people get first"),
    "lease_minutes": gettext_lazy("Minutes until a solution that nobody works on is free again"),
    "skip_minutes": gettext_lazy("Minutes until a skipped solution comes back"),
    "idle_minutes": gettext_lazy("Minutes without a sign before time is no longer counted"),
    "show_reference_answer": gettext_lazy("Show the reference answer to annotators"),
    "stop_at_first_error": gettext_lazy("Label nothing after the first mistake"),
    "ask_critique": gettext_lazy("After a Bad: rate or write an explanation of the mistake"),
    "ask_progress": gettext_lazy("After a Bad: rate how far the solution had come"),
    "ask_alternatives": gettext_lazy("After a Bad: rate the other candidates for that step"),
    "allow_rest_great": gettext_lazy("Offer “Mark the rest Great”"),
    "candidates": gettext_lazy("Candidate steps shown at each position"),
    "drawing": gettext_lazy("Candidates drawn while people wait"),
}
HELP = {
    "slug": gettext_lazy("Letters, digits and hyphens. It cannot be changed later."),
    "skip_minutes": gettext_lazy("To whoever skipped it; others may get it at once."),
}


def choose(form: forms.Form | ProjectForm, name: str, choices: Any) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = choices


class NewProjectForm(ProjectForm):
    class Meta:
        model = Project
        fields = ("name", "slug", "mode")
        labels = LABELS
        help_texts = HELP
        error_messages: ClassVar = {
            "slug": {
                "unique": gettext_lazy("Another project has this short name."),
                "invalid": gettext_lazy("Only letters, digits, hyphens and underscores."),
            }
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "mode" in self.fields:
            choose(self, "mode", MODES)

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug in RESERVED:
            raise ValidationError(_("This short name is taken by a page of the site."))
        return slug


class CloneForm(NewProjectForm):
    with_content = forms.BooleanField(
        label=gettext_lazy("Copy the problems and the solutions that were drawn or imported, too"),
        required=False,
    )

    class Meta(NewProjectForm.Meta):
        fields = ("name", "slug")  # type: ignore[assignment] # one field less


class SettingsForm(ProjectForm):
    """A project's settings, with what was seen when the form was loaded (`seen`).

    How candidates are drawn is for superusers alone: an engine's requests leave from the site's
    own workers and carry the site's key.
    """

    seen = forms.JSONField(widget=forms.HiddenInput)
    draw_engine = forms.ChoiceField(
        label=gettext_lazy("Engine"),
        required=False,
        help_text=gettext_lazy("Draws what is missing while people wait."),
    )
    draw_model = forms.CharField(label=gettext_lazy("Model"), required=False, max_length=500)
    draw_base_url = forms.URLField(
        label=gettext_lazy("Address of the model server"), required=False, assume_scheme="https"
    )
    draw_temperature = forms.FloatField(
        label=gettext_lazy("Temperature"),
        required=False,
        validators=[MinValueValidator(0), MaxValueValidator(10)],
    )
    draw_max_tokens = forms.IntegerField(
        label=gettext_lazy("Longest step in tokens"), required=False, min_value=1
    )

    class Meta:
        model = Project
        fields = tuple(name for name in SETTINGS if name != "drawing")
        labels = LABELS
        help_texts = {name: HELP.get(name, "") for name in SETTINGS}  # noqa: RUF012 - Django's way

    def __init__(self, *args: Any, instance: Project, may_draw: bool, **kwargs: Any) -> None:
        drawing = instance.drawing
        config, decoding = drawing.get("engine_config", {}), drawing.get("decoding", {})
        initial = {
            "seen": settings_of(instance),
            "draw_engine": drawing.get("engine", ""),
            "draw_model": config.get("model", ""),
            "draw_base_url": config.get("base_url", ""),
            "draw_temperature": decoding.get("temperature"),
            "draw_max_tokens": decoding.get("max_tokens"),
        }
        kwargs.update(instance=instance, initial=initial)
        super().__init__(*args, **kwargs)
        self.may_draw = may_draw
        self.drawing = drawing
        choose(self, "mode", MODES)
        choose(self, "queue_order", ORDERS)
        choose(self, "draw_engine", [("", _("none")), *((name, name) for name in sorted(ENGINES))])
        self.fields["mode"].disabled = mode_is_fixed(instance)
        if not may_draw:
            for name in [name for name in self.fields if name.startswith("draw_")]:
                del self.fields[name]

    def clean_seen(self) -> dict[str, Any]:
        seen = self.cleaned_data["seen"]
        if not isinstance(seen, dict) or set(seen) != set(SETTINGS):
            raise ValidationError(_("This page is out of date. Load it again."))
        return seen

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.may_draw and not self.errors:
            try:
                self.drawing = drawn_by(self.drawing, cleaned)
            except ValueError as error:
                self.add_error("draw_engine", str(error))
        return cleaned

    @property
    def wanted(self) -> dict[str, Any]:
        """The settings as they are to be, once the form is found valid."""
        wanted = {name: self.cleaned_data[name] for name in self.Meta.fields}
        return {**wanted, "drawing": self.drawing} if self.may_draw else wanted

    def differences(self, now: Project, names: list[str]) -> list[str]:
        """Say what somebody else has changed since the form was loaded."""
        seen = self.cleaned_data["seen"]
        return [
            _("%(setting)s: you saw %(seen)s, now it is %(now)s")
            % {
                "setting": LABELS[name],
                "seen": in_words(name, seen[name]),
                "now": in_words(name, getattr(now, name)),
            }
            for name in names
        ]


def in_words(name: str, value: Any) -> Any:
    """Say the value of a setting as its form does."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return WORDS[name].get(str(value), value) if name in WORDS else value


def drawn_by(before: Mapping[str, Any], cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """Return how candidates are drawn, keeping what the form has no field for.

    Raises ValueError for what cannot be done.
    """
    engine = cleaned["draw_engine"]
    if not engine:
        return {}
    kept = before if before.get("engine") == engine else {}
    drawing = {
        **kept,
        "engine": engine,
        "engine_config": _with(kept.get("engine_config", {}), cleaned, "model", "base_url"),
        "decoding": _with(kept.get("decoding", {}), cleaned, "temperature", "max_tokens"),
    }
    drawing_of(drawing)
    return drawing


def _with(before: Mapping[str, Any], cleaned: Mapping[str, Any], *names: str) -> dict[str, Any]:
    typed = {name: cleaned[f"draw_{name}"] for name in names}
    kept = {name: value for name, value in before.items() if name not in names}
    return kept | {name: value for name, value in typed.items() if value not in {"", None}}


class GuidelinesForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("Guidelines, in Markdown"),
        required=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 24, "spellcheck": "true"}),
        help_text=gettext_lazy("Blank: the guidelines that Stepmark brings."),
    )
    seen = forms.CharField(widget=forms.HiddenInput)

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        return text.replace("\r\n", "\n")
