"""`{% load pairs %}` and then `{% for name, value in evidence|pairs %}`, `marks|of:step.pk`."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def pairs(names: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Return the names of a JSON object with their values.

    Written `.items` in a template, a name "items" in the object would be taken for them.
    """
    return names.items()


@register.filter
def of(values: Mapping[Any, Any], key: Any) -> Any:
    """Return the value of `key`, None where there is none."""
    return values.get(key)
