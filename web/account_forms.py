"""What a user may set for themself."""

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from web.keys import DEFAULT_KEYS, MOST_KEYS, keys_of, read_key, used_twice
from web.models import User

if TYPE_CHECKING:  # Django's own class takes no type parameters when it runs
    UserForm = forms.ModelForm[User]
else:
    UserForm = forms.ModelForm

MOST_A_DAY = 10_000
REGIONS = frozenset(
    ["Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe",
     "Indian", "Pacific"]
)  # fmt: skip
ACTIONS = {
    "great": gettext_lazy("Great"),
    "okay": gettext_lazy("Okay"),
    "bad": gettext_lazy("Bad"),
    "unsure": gettext_lazy("Unsure"),
    "up": gettext_lazy("Step before"),
    "down": gettext_lazy("Step after"),
    "submit": gettext_lazy("Submit"),
    "skip": gettext_lazy("Skip"),
    "undo": gettext_lazy("Undo"),
    "guidelines": gettext_lazy("Guidelines"),
}


def time_zones() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the places of the world by region; names kept for old computers are left out."""
    placed = sorted(name for name in available_timezones() if name.partition("/")[0] in REGIONS)
    return [
        (region, [(name, name.partition("/")[2].replace("_", " ")) for name in names])
        for region, names in groupby(placed, key=lambda name: name.partition("/")[0])
    ]


class SettingsForm(UserForm):
    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"), required=False)
    daily_goal = forms.IntegerField(
        label=gettext_lazy("Daily goal"),
        help_text=gettext_lazy("Solutions a day, shown while you mark. Blank: none."),
        required=False,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_A_DAY)],
        widget=forms.NumberInput(attrs={"min": 1, "max": MOST_A_DAY}),
    )

    class Meta:
        model = User
        fields = ("language", "time_zone", "daily_goal")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        languages = [("", _("The browser's")), *settings.LANGUAGES]
        zones = [("", _("The site's (%s)") % settings.TIME_ZONE), *time_zones()]
        for name, choices in (("language", languages), ("time_zone", zones)):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = choices


class KeysForm(forms.Form):
    """One or two keys for each action; no key for two of them."""

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for action, keys in keys_of(user).items():
            for number, name in enumerate(field_names(action)):
                self.fields[name] = forms.CharField(
                    label=LABELS[number] % {"action": ACTIONS[action]},
                    initial=keys[number] if number < len(keys) else "",
                    required=number == 0,
                    max_length=20,
                    widget=forms.TextInput(attrs=TYPED),
                )

    def rows(self) -> Iterator[tuple[str, list[forms.BoundField]]]:
        """Yield each action's name and its fields."""
        for action in DEFAULT_KEYS:
            yield str(ACTIONS[action]), [self[name] for name in field_names(action)]

    def clean(self) -> dict[str, Any]:
        typed = {name: text for name, text in self.cleaned_data.items() if text}
        read = {name: read_key(text) for name, text in typed.items()}
        twice = used_twice(key for key in read.values() if key)
        for name, key in read.items():
            if key is None:
                self.add_error(name, _("Type one character, or Enter, ArrowUp or ArrowDown."))
            elif key in twice:
                self.add_error(name, _("“%(key)s” is used twice.") % {"key": key})
        return self.cleaned_data

    @property
    def keys(self) -> dict[str, tuple[str, ...]]:
        """The keys of each action, once the form is found valid."""
        return {
            action: tuple(
                key for name in field_names(action) if (key := read_key(self.cleaned_data[name]))
            )
            for action in DEFAULT_KEYS
        }


LABELS = (gettext_lazy("%(action)s: key"), gettext_lazy("%(action)s: second key"))
TYPED = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false", "list": "named"}


def field_names(action: str) -> list[str]:
    return [f"{action}_{number}" for number in range(1, MOST_KEYS + 1)]
