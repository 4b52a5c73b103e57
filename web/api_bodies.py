"""Bodies of requests over REST: a field that a body does not have is refused by its name."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from web.printable import printable

Value = TypeVar("Value")
MOST_NAMED = 20


class Body(serializers.Serializer[Value]):
    """What a request may say: a slip in a name must not pass for its default."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := sorted(data.keys() - self.fields.keys())):
            said = _("There is no such field. Allowed: {names}.").format(
                names=", ".join(sorted(self.fields))
            )
            raise serializers.ValidationError(
                {printable(name): [said] for name in unknown[:MOST_NAMED]}, code="unknown"
            )
        return super().to_internal_value(data)


class OneOf(serializers.ChoiceField):
    """One of some words; a wrong one is told which there are."""

    def __init__(self, choices: Sequence[str], **how: Any) -> None:
        super().__init__(choices, **how)
        self.error_messages["invalid_choice"] = format_lazy(
            "{said} {names}.",
            said=gettext_lazy("“{input}” is none of these:"),
            names=", ".join(choices),
        )

    def fail(self, key: str, **said: Any) -> NoReturn:
        super().fail(key, **{name: printable(str(value)) for name, value in said.items()})
