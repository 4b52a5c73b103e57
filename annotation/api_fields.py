"""What clients of the queue send, checked field by field."""

from math import isnan
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from annotation.drafts import BAD_PROBLEM, GIVE_UP, Choice, Draft, Mark
from annotation.leases import MOST_AT_ONCE
from web.api_bodies import Body

LONGEST_TEXT = 20_000
A_DAY_MS = 24 * 60 * 60 * 1000


@extend_schema_field({"type": "integer", "enum": [-1, 0, 1]})
class RatingField(serializers.Field[int, int, int, Any]):
    default_error_messages: ClassVar = {"invalid_choice": _("A rating is -1, 0 or 1.")}

    def to_internal_value(self, data: Any) -> int:
        # 1.0 and true are equal to 1; only the number is a rating.
        if type(data) is not int or data not in (-1, 0, 1):
            self.fail("invalid_choice")
        return data

    def to_representation(self, value: int) -> int:
        return value


class ShareField(serializers.FloatField):
    def to_internal_value(self, data: Any) -> float:
        # "NaN" is a number to Python, and between any two.
        if isnan(value := super().to_internal_value(data)):
            self.fail("invalid")
        return value


class TextField(serializers.CharField):
    def __init__(self, **how: Any) -> None:
        super().__init__(
            **{"allow_blank": True, "trim_whitespace": False, "max_length": LONGEST_TEXT, **how}
        )


class MarkFields(Body[Mark]):
    rating = RatingField(allow_null=True, default=None)
    flagged = serializers.BooleanField(default=False)
    comment = TextField(default="")


class IdKeys(serializers.DictField):
    """An object whose keys are ids."""

    default_error_messages: ClassVar = {
        "not_an_id": _("A key must be the id of a row, not “{name}”.")
    }

    def to_internal_value(self, data: Any) -> dict[int, Any]:
        inside: dict[str, Any] = super().to_internal_value(data)
        for key in inside:
            if not (key.isascii() and key.isdigit() and len(key) < 19):
                self.fail("not_an_id", name=key)
        return {int(key): value for key, value in inside.items()}


class ChoiceFields(Body[Choice]):
    chosen = serializers.IntegerField(min_value=1, allow_null=True, default=None)
    human = TextField(allow_null=True, default=None, allow_blank=False, max_length=4_000)

    def to_internal_value(self, data: Any) -> Any:
        return Choice(**super().to_internal_value(data))


class DraftFields(Body[Draft]):
    marks = IdKeys(child=MarkFields(), default=dict)
    choices = ChoiceFields(many=True, default=list)
    end = serializers.ChoiceField(choices=["", GIVE_UP, BAD_PROBLEM], default="")
    reason = TextField(default="")
    progress = serializers.IntegerField(min_value=0, max_value=4, allow_null=True, default=None)
    critiques = IdKeys(child=RatingField(), default=dict)
    bad_splits = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=32_767), default=list, max_length=500
    )
    active_ms = serializers.IntegerField(min_value=0, max_value=A_DAY_MS, default=0)
    score = ShareField(min_value=0, max_value=1, allow_null=True, default=None)

    def to_internal_value(self, data: Any) -> Any:
        fields = super().to_internal_value(data)
        fields["marks"] = {step: Mark(**mark) for step, mark in fields["marks"].items()}
        fields["choices"] = tuple(fields["choices"])
        fields["bad_splits"] = tuple(fields["bad_splits"])
        return Draft(**fields)


class NextFields(Body[Any]):
    ahead = serializers.BooleanField(default=False)
    at_once = serializers.IntegerField(min_value=1, max_value=MOST_AT_ONCE, default=1)


class SubmitFields(Body[Any]):
    draft = DraftFields()
    version = serializers.IntegerField(min_value=0, required=False)


class SaveFields(SubmitFields):
    version = serializers.IntegerField(min_value=0)


class ChooseFields(SaveFields):
    choice = ChoiceFields()
