"""`{% load richtext %}` and then `{{ text|richtext }}`."""

from django import template
from django.utils.safestring import SafeString

from web.richtext import render

register = template.Library()


@register.filter
def richtext(text: str | None) -> SafeString:
    """Draw `text`, with its math, as safe HTML; None is drawn as an empty text."""
    return render(text or "")
