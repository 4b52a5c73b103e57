"""`{% load pairs %}` and then `{% for name, value in evidence|pairs %}`."""

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
