"""The form that puts a frozen version into one more format."""

from typing import Any

from django import forms
from django.core.validators import validate_slug
from django.utils.translation import gettext_lazy

from datasets_app import freeze_words as words
from datasets_app.containers import CONTAINERS
from datasets_app.exporters import EXPORTERS
from datasets_app.snapshots import Wanted

AS_RULES = ("", gettext_lazy("as the rules say"))


class FormatForm(forms.Form):
    """A format, its container, and where it differs from the rules."""

    format = forms.ChoiceField(
        label=gettext_lazy("Format"), choices=[(name, name) for name in sorted(EXPORTERS)]
    )
    container = forms.ChoiceField(
        label=gettext_lazy("Container"),
        choices=[(name, name) for name in CONTAINERS],
        initial="parquet",
    )
    neutral = forms.ChoiceField(
        label=gettext_lazy("Neutral marks"),
        choices=[AS_RULES, *words.NEUTRAL[1:]],
        required=False,
    )
    truncate = forms.ChoiceField(
        label=gettext_lazy("After the first mistake"),
        choices=[AS_RULES, *words.TRUNCATE[1:]],
        required=False,
    )
    alternatives = forms.ChoiceField(
        label=gettext_lazy("Other candidates for a step"),
        choices=[AS_RULES, *words.ALTERNATIVES[1:]],
        required=False,
    )
    name = forms.CharField(
        label=gettext_lazy("Folder"),
        help_text=gettext_lazy("The format's name unless given."),
        max_length=100,
        required=False,
        validators=[validate_slug],
    )

    @property
    def wanted(self) -> Wanted:
        """Return what a valid form asks for; options left alone are those of the rules."""
        given = self.cleaned_data
        options: dict[str, Any] = {
            name: given[name] for name in ("neutral", "alternatives") if given[name]
        }
        if given["truncate"]:
            options["truncate"] = given["truncate"] == "yes"
        return Wanted(
            format=given["format"],
            container=given["container"],
            name=given["name"],
            options=options,
        )
