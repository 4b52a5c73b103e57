"""The forms of a run's page, and of what starts one."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from annotation.run_control import startable
from labelers.models import Labeler
from labelers.price import KEY, price_of
from web.models import User

LARGEST = Decimal(10) ** 9


def budget_field() -> forms.DecimalField:
    return forms.DecimalField(
        label=gettext_lazy("Budget"),
        required=False,
        min_value=Decimal("0.01"),
        max_value=LARGEST,
        decimal_places=2,
    )


class StartForm(forms.Form):
    """Which of the model labelers that a user may let mark, and for how much at most."""

    labeler = forms.TypedChoiceField(label=gettext_lazy("Model labeler"))
    budget = budget_field()

    def __init__(self, data: Any, *, user: User) -> None:
        super().__init__(data)
        self.labelers: dict[str, Labeler] = {str(one.uuid): one for one in startable(user)}
        field = self.fields["labeler"]
        assert isinstance(field, forms.TypedChoiceField)
        field.choices = [(uuid, _named(one)) for uuid, one in self.labelers.items()]
        field.coerce = self.labelers.__getitem__
        if not any(KEY in one.config for one in self.labelers.values()):
            del self.fields["budget"]


def _named(labeler: Labeler) -> str:
    price = price_of(labeler.config)
    return labeler.name if price is None else f"{labeler.name} ({price.currency})"


class ResumeForm(forms.Form):
    budget = budget_field()
