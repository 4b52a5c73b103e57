"""Columns over days, drawn as SVG: sizes are attributes, as the policy allows no inline style."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.formats import date_format
from django.utils.functional import Promise

WIDTH, HEIGHT = 600, 140
"""Of the drawing in units of its own, without the words under it."""
HEADROOM = 20
"""Left free above the highest column, for its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One part of a column, in units of the drawing, written for SVG."""

    tone: str
    name: str | Promise
    count: int
    y: str
    height: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One day: its blocks from the ground up, and their sum."""

    day: date
    x: str
    middle: str
    top: str
    total: int
    blocks: tuple[Block, ...]
    is_named: bool
    """Whether its date stands under it: there is no room for all of them."""
    is_highest: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    columns: tuple[Column, ...]
    names: tuple[tuple[str, str | Promise], ...]
    """(tone, name) of the blocks, in their order."""
    column_width: str
    total: int

    @property
    def says(self) -> str:
        """The plot in words, for those who cannot see it."""
        return ", ".join(
            f"{date_format(column.day, 'SHORT_DATE_FORMAT')}: {intcomma(column.total)}"
            for column in self.columns
        )


def columns(
    days: Sequence[date],
    parts: Iterable[tuple[str, str | Promise, Sequence[int]]],
) -> Plot:
    """Return stacked columns, one for each of `days`.

    Each of `parts` is (tone, name, one count a day). The highest column fills the drawing.
    """
    layers = list(parts)
    totals = [sum(counts[n] for _, _, counts in layers) for n in range(len(days))]
    highest = max(totals, default=0)
    scale = (HEIGHT - HEADROOM) / highest if highest else 0.0
    pitch = WIDTH / max(len(days), 1)
    width = pitch * 0.78
    peak = totals.index(highest) if highest else -1
    drawn = []
    for n, day in enumerate(days):
        blocks, ground = [], float(HEIGHT)
        for tone, name, counts in layers:
            height = counts[n] * scale
            ground -= height
            blocks.append(
                Block(
                    tone=tone, name=name, count=counts[n], y=f"{ground:.2f}", height=f"{height:.2f}"
                )
            )
        x = n * pitch + (pitch - width) / 2
        drawn.append(
            Column(
                day=day,
                x=f"{x:.2f}",
                middle=f"{x + width / 2:.2f}",
                top=f"{ground - 5:.2f}",
                total=totals[n],
                blocks=tuple(blocks),
                is_named=(len(days) - 1 - n) % 4 == 0,
                is_highest=n == peak,
            )
        )
    return Plot(
        columns=tuple(drawn),
        names=tuple((tone, name) for tone, name, _ in layers),
        column_width=f"{width:.2f}",
        total=sum(totals),
    )
