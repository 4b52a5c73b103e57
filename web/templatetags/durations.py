"""`{% load durations %}` and then `{{ annotation.total_time_ms|duration }}`."""

from datetime import timedelta

from django import template
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def duration(value: timedelta | float | None) -> str:
    """Say a time span, or a number of milliseconds, as people do: 48 s, 12 min, 2 h 5 min."""
    if value is None:
        return "–"
    span = value if isinstance(value, timedelta) else timedelta(milliseconds=value)
    seconds = round(span.total_seconds())
    if seconds < 60:
        return _("%(s)d s") % {"s": seconds}
    minutes = round(seconds / 60)
    if minutes < 60:
        return _("%(min)d min") % {"min": minutes}
    return _("%(h)d h %(min)d min") % {"h": minutes // 60, "min": minutes % 60}
