"""`{% load answers %}` and then `{{ solution.final_answer|answer }}`."""

import re

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from web import mathml

register = template.Library()

# An answer is written as TeX without dollars, or as plain words and numbers.
TEX = re.compile(r"[\\^]|[A-Za-z0-9]_")
DOLLARS = re.compile(r"\$([^$]+)\$")


@register.filter
def answer(text: str | None) -> SafeString:
    """Draw a final answer inline: as a formula where it looks like TeX, else as it is."""
    text = (text or "").strip()
    inside = DOLLARS.fullmatch(text)
    tex = inside[1] if inside else text
    if inside or TEX.search(text):
        return mark_safe(mathml.render(tex, display=False))  # noqa: S308 - allow-listed there
    return escape(text)
