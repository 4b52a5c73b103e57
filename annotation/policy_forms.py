"""The widgets that a policy is written in: one form for each rule, one for all the rest."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.digests import digest
from annotation.policy import MOST_PEOPLE, MOST_RULES
from annotation.policy_words import cases, disagreements, orders
from annotation.project_forms import choose


class PercentField(forms.DecimalField):
    """A share from 0 to 1 that is typed in percent; what is blank is None."""

    def __init__(self, *, label: Any, required: bool = True) -> None:
        super().__init__(label=label, required=required, min_value=0, max_value=100)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, int | float):
            return value  # as it was typed
        # By its decimal digits: 0.07 in percent is 7, not 7.000000000000001.
        return f"{Decimal(repr(value)).scaleb(2).normalize():f}"

    def clean(self, value: Any) -> float | None:
        percent = super().clean(value)
        return None if percent is None else float(percent.scaleb(-2))


class SureForm(forms.Form):
    """Asks how sure each of some model labelers must be, by name; blank: it is not asked.

    `marking` are those that mark first: fields of the others are hidden until they hold something.
    """

    def __init__(
        self, *args: Any, names: Sequence[str], marking: frozenset[str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.names, self.marking = names, marking
        for name in names:
            self.fields[sure_of(name)] = field = PercentField(label=name, required=False)
            field.widget.attrs["placeholder"] = "–"

    def sure(self) -> Iterator[tuple[forms.BoundField, bool]]:
        """Yield the field of each labeler, and whether it is hidden."""
        for name in self.names:
            field = self[sure_of(name)]
            yield field, name not in self.marking and field.value() in {None, ""}

    @property
    def confidences(self) -> dict[str, float]:
        """What was asked for, once the form is found valid."""
        typed = {name: self.cleaned_data[sure_of(name)] for name in self.names}
        return {name: share for name, share in typed.items() if share is not None}


def sure_of(name: str) -> str:
    """Return the name of the field of a labeler, whose own name may hold anything."""
    return f"sure-{digest(name).hex}"


class AcceptForm(SureForm):
    audit_share = PercentField(label=gettext_lazy("Nevertheless to people, as an audit"))

    def clean(self) -> None:
        if not self.errors and not self.confidences:
            raise ValidationError(_("Say of one labeler at least how sure it must be."))


class PeopleForm(forms.Form):
    when = forms.ChoiceField(label=gettext_lazy("Which solutions"))
    how_many = forms.IntegerField(
        label=gettext_lazy("People who mark each"), min_value=0, max_value=MOST_PEOPLE
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choose(self, "when", cases(_))


class RestForm(SureForm):
    """What is no list of rules. Its confidences are those of models that people contradict."""

    first = forms.MultipleChoiceField(required=False)
    order_by = forms.ChoiceField(label=gettext_lazy("What people get first"))
    score_of = forms.TypedChoiceField(
        label=gettext_lazy("By the score of"), required=False, empty_value=None
    )
    disagreement = forms.ChoiceField(label=gettext_lazy("A reviewer decides on the first mistake"))
    blind_share = PercentField(label=gettext_lazy("Share of the assignments that hide them"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = {name: name for name in self.names}
        choose(self, "first", named)
        choose(self, "order_by", orders(_))
        choose(self, "score_of", {"": _("the verifier"), **named})
        choose(self, "disagreement", disagreements(_))


class TextForm(forms.Form):
    """The policy as JSON, and what tells whether somebody has changed it by hand."""

    text = forms.CharField(
        label=gettext_lazy("Policy, as JSON"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 18, "spellcheck": "false"}),
    )
    shown = forms.CharField(required=False, widget=forms.HiddenInput)


AcceptRules = forms.formset_factory(
    AcceptForm, extra=0, max_num=MOST_RULES, absolute_max=MOST_RULES
)
PeopleRules = forms.formset_factory(
    PeopleForm, extra=0, max_num=MOST_RULES, absolute_max=MOST_RULES
)
