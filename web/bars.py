"""Stacked bars, drawn as SVG: widths are attributes, since the policy allows no inline style."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a bar. `x` and `width` are percent of the whole, written for SVG."""

    tone: str
    name: str | Promise
    count: int
    percent: float
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Bar:
    parts: tuple[Part, ...]
    total: int

    @property
    def says(self) -> str:
        """The bar in words, for those who cannot see it."""
        return ", ".join(f"{part.name}: {intcomma(part.count)}" for part in self.parts)


def bar(counts: Iterable[tuple[str, str | Promise, int]]) -> Bar:
    """Return the bar of some (tone, name, count); its parts fill the whole width."""
    counted = list(counts)
    total = sum(count for _, _, count in counted)
    parts, so_far = [], 0.0
    for tone, name, count in counted:
        percent = 100 * count / total if total else 0.0
        x, width = f"{so_far:.3f}", f"{percent:.3f}"
        parts.append(Part(tone=tone, name=name, count=count, percent=percent, x=x, width=width))
        so_far += percent
    return Bar(parts=tuple(parts), total=total)
