"""`{% load richtext %}` and then `{{ text|richtext }}` or `{{ text|excerpt:400|richtext }}`."""

from django import template
from django.utils.safestring import SafeString

from web.richtext import render
from web.spans import protected

register = template.Library()


@register.filter
def richtext(text: str | None) -> SafeString:
    """Draw `text`, with its math, as safe HTML; None is drawn as an empty text."""
    return render(text or "")


@register.filter
def excerpt(text: str, longest: int) -> str:
    """Cut `text` to `longest` characters, the last a "…", but before a formula or the like that
    would be cut open; one that the text begins with is kept whole, however long.
    """
    if len(text) <= longest:
        return text
    end = longest - 1
    cut_open = next((span for span in protected(text) if span.end > end), None)
    if cut_open and cut_open.start < end:
        end = cut_open.start if text[: cut_open.start].strip() else cut_open.end
    return f"{text[:end].rstrip()}…" if end < len(text) else text
