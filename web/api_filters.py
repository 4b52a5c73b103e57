"""Filters for REST by an explicit list: every value is checked, and no path reaches a query."""

from collections.abc import Sequence
from typing import Any, ClassVar

import django_filters
from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.drainage import set_override

LARGEST_ID = 2**63 - 1


class ListedFilterBackend(DjangoFilterBackend):
    """django-filter's; a view names its filters in `filterset_class`, field by field."""


class IdFilter(django_filters.Filter):
    """A whole number: django-filter's own takes 1.5 for 1."""

    field_class = forms.IntegerField

    def __init__(self, field_name: str | None = None, *, largest: int = LARGEST_ID) -> None:
        super().__init__(field_name, min_value=0, max_value=largest)
        set_override(self, "field", {"type": "integer", "minimum": 0, "maximum": largest})


class OneOfFilter(django_filters.TypedChoiceFilter):
    """One of some values; a wrong one is told which there are."""

    def __init__(self, field_name: str | None = None, *, values: Sequence[str], **how: Any) -> None:
        said = format_lazy(_("Allowed: {names}."), names=", ".join(values))
        super().__init__(
            field_name,
            choices=[(value, value) for value in values],
            error_messages={"invalid_choice": said},
            **how,
        )
        set_override(self, "field", {"type": "string", "enum": list(values)})


class FlagFilter(OneOfFilter):
    """`true` or `false`, and `null` where the field may be: django-filter's own ignores others."""

    known: ClassVar = {"true": True, "false": False, "null": None}

    def __init__(
        self, field_name: str | None = None, *, nullable: bool = False, **how: Any
    ) -> None:
        values = [value for value in self.known if nullable or value != "null"]
        super().__init__(field_name, values=values, **how)

    def filter(self, qs: Any, value: Any) -> Any:
        if value in self.field.empty_values:
            return qs
        return qs.filter(**{str(self.field_name): self.known[value]})
