"""Columns over ordered groups, drawn as SVG: sizes are attributes, as the policy allows no inline
style."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.humanize.templatetags.humanize import intcomma

WIDTH, HEIGHT = 600, 140
"""Of the drawing in units of its own, without the words under it."""
HEADROOM = 20
"""Left free above the highest column, for its number."""
MOST_COLUMNS = 25
MOST_NAMES = 9
"""Under the columns: there is no room for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One group, in units of the drawing, written for SVG."""

    name: str
    count: int
    x: str
    y: str
    height: str
    middle: str
    top: str
    is_named: bool
    is_highest: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    columns: tuple[Column, ...]
    column_width: str
    total: int

    @property
    def says(self) -> str:
        """The histogram in words, for those who cannot see it."""
        return ", ".join(f"{one.name}: {intcomma(one.count)}" for one in self.columns)


def histogram(groups: Iterable[tuple[str, int]]) -> Histogram:
    """Return a column for each (name, count), in their order; the highest fills the drawing."""
    counted = list(groups)
    highest = max((count for _, count in counted), default=0)
    peak = next((n for n, (_, count) in enumerate(counted) if count == highest), -1)
    scale = (HEIGHT - HEADROOM) / highest if highest else 0.0
    pitch = WIDTH / max(len(counted), 1)
    width = min(pitch * 0.78, 60)
    every = -(-len(counted) // MOST_NAMES) or 1
    columns = []
    for n, (name, count) in enumerate(counted):
        height, middle = count * scale, (n + 0.5) * pitch
        columns.append(
            Column(
                name=name,
                count=count,
                x=f"{middle - width / 2:.2f}",
                y=f"{HEIGHT - height:.2f}",
                height=f"{height:.2f}",
                middle=f"{middle:.2f}",
                top=f"{HEIGHT - height - 5:.2f}",
                is_named=n % every == 0,
                is_highest=n == peak,
            )
        )
    return Histogram(
        columns=tuple(columns),
        column_width=f"{width:.2f}",
        total=sum(count for _, count in counted),
    )


def grouped(counts: Mapping[int, int], *, last_is_open: int | None = None) -> list[tuple[str, int]]:
    """Return (name, count) of whole numbers from the least to the greatest, none left out.

    At most MOST_COLUMNS groups, of equally many numbers each. `last_is_open` is a number that
    stands for itself and all above.
    """
    if not counts:
        return []
    first, last = min(counts), max(counts)
    size = -(-(last - first + 1) // MOST_COLUMNS)
    return [
        (
            _name(start, min(start + size - 1, last), last_is_open),
            sum(counts.get(number, 0) for number in range(start, start + size)),
        )
        for start in range(first, last + 1, size)
    ]


def _name(start: int, end: int, last_is_open: int | None) -> str:
    if last_is_open is not None and end >= last_is_open:
        return f"{start}+"
    return str(start) if start == end else f"{start}–{end}"


def numbers(counts: Mapping[str, int], *, plus: int = 0) -> dict[int, int]:
    """Return counts by whole number, of those by text; each number is made `plus` greater."""
    return {int(name) + plus: count for name, count in counts.items() if name.isdigit()}


def shares(counts: Mapping[str, int], names: Sequence[str]) -> list[tuple[str, int]]:
    """Return (name in percent, count) for `names` such as 0.5."""
    return [(f"{round(100 * float(name))} %", counts.get(name, 0)) for name in names]
