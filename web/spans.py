"""Finds the spans of a text that are more than plain words: math, code, figures, annotations.

Drawing (`web.richtext`) and step splitting (`annotation.steps`) stand on the same scan, so that a
formula on the page is a formula that no step is cut through. docs/math.md states the rules.

Every pattern runs in linear time: repetitions are possessive or bounded, and a search for a closing
mark that came to nothing is not begun again.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a span of text is."""

    TEXT = "text"
    INLINE_MATH = "inline_math"
    DISPLAY_MATH = "display_math"
    ENVIRONMENT = "environment"
    """A LaTeX environment that is not math by itself, such as `tabular`."""
    FIGURE = "figure"
    """Asymptote source between `[asy]` and `[/asy]`."""
    CODE = "code"
    CALCULATOR = "calculator"
    """GSM8K's `<<48/2=24>>`."""


MATH = frozenset({Kind.INLINE_MATH, Kind.DISPLAY_MATH})


@dataclass(frozen=True, slots=True)
class Segment:
    """`text[start:end]`, of which `text[inner_start:inner_end]` lies inside the delimiters.

    A math environment is its own delimiter: its inner part is the whole of it.
    """

    kind: Kind
    start: int
    end: int
    inner_start: int
    inner_end: int

    def inner(self, text: str) -> str:
        return text[self.inner_start : self.inner_end]


# Environments that are math on their own, or that models write as though they were.
_MATH_ENVIRONMENT = re.compile(
    r"(?:(?:display|d)?math|equation|align(?:at|ed|edat)?|flalign|gather(?:ed)?|multline|eqnarray"
    r"|split|d?cases|(?:[pbBvV]|small)?matrix)\*?"
)

_OPENING = re.compile(
    r"""
      \\begin\{(?P<environment>[A-Za-z]{1,40}\*?)\}
    | \\(?P<bracket>[(\[])
    | \\.
    | (?P<dollars>\$+)
    | (?P<figure>\[asy\])
    | <<(?P<calculator>[^<>\n]{1,200})>>
    | ^[ \t]{0,3}(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)

# One piece of what may stand between two `$`: an escaped character counts as one; a blank
# line, a figure or a calculator annotation cannot stand there.
_ANNOTATION = r"<<[^<>\n]{1,200}>>"
_UNIT = rf"[^$\\\n<\[]|\\(?:[^\n]|(?=\n))|\n(?![^\S\n]*+\n)|(?!{_ANNOTATION})<|\[(?!asy\])"
# Some write the sign after the amount (`20$, in all 2700$`), but `50$\%$` is math.
_INLINE_START = r"(?:(?<!\d)\$|\$(?=\\))(?=\S)"
_INLINE = re.compile(rf"{_INLINE_START}((?:{_UNIT})++)(?<!\s)\$(?!\d|{_ANNOTATION})")
_DISPLAY = re.compile(rf"\$\$((?:{_UNIT}|\$(?!\$))++)\$\$")

_NEXT_BRACKET = {
    "(": re.compile(r"(?:[^\\]|\\[^()])*+\\([()])"),
    "[": re.compile(r"(?:[^\\]|\\[^\[\]])*+\\([\[\]])"),
}
_CLOSING_BRACKET = {"(": ")", "[": "]"}
_ENVIRONMENT_EDGE = re.compile(r"\\(?:(begin|end)\{([A-Za-z]{1,40}\*?)\}|.)", re.DOTALL)
_FIGURE_EDGE = re.compile(r"\[/?asy\]")
_LONGEST_FENCE = 6


def scan(text: str) -> Iterator[Segment]:
    """Yield segments that cover `text` from end to end, in order, no two TEXT ones in a row."""
    covered = 0
    for segment in protected(text):
        if covered < segment.start:
            yield Segment(Kind.TEXT, covered, segment.start, covered, segment.start)
        yield segment
        covered = segment.end
    if covered < len(text):
        yield Segment(Kind.TEXT, covered, len(text), covered, len(text))


def protected(text: str) -> Iterator[Segment]:
    """Yield the segments of `text` that are not plain text, in order."""
    return _Scanner(text).segments()


class _Scanner:
    """One pass over one text; remembers which closing marks are known not to come."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.environment_ends: dict[int, int] | None = None
        self.open_fences: dict[str, int] = {}
        """By fence character, the shortest fence that is known to stay open."""

    def segments(self) -> Iterator[Segment]:
        position = 0
        while opening := _OPENING.search(self.text, position):
            segment = self.close(opening)
            if segment is None:
                position = opening.end()
            else:
                yield segment
                position = segment.end

    def close(self, opening: re.Match[str]) -> Segment | None:
        """Return the segment that `opening` begins; None for an escape or what is never closed."""
        match opening.lastgroup:
            case "dollars":
                return self.dollars(opening)
            case "bracket":
                return self.bracket(opening)
            case "environment":
                return self.environment(opening)
            case "figure":
                return self.figure(opening)
            case "calculator":
                return Segment(Kind.CALCULATOR, *opening.span(), *opening.span("calculator"))
            case "fence":
                return self.fence(opening)
        return None

    def dollars(self, opening: re.Match[str]) -> Segment | None:
        start = opening.start()
        count = opening.end() - start
        if count == 1:
            found = _INLINE.match(self.text, start)
            return found and Segment(Kind.INLINE_MATH, *found.span(), *found.span(1))
        if count == 2:
            found = _DISPLAY.match(self.text, start)
            if found and not found[1].isspace():
                return Segment(Kind.DISPLAY_MATH, *found.span(), *found.span(1))
        return None

    def bracket(self, opening: re.Match[str]) -> Segment | None:
        mark = opening["bracket"]
        found = _NEXT_BRACKET[mark].match(self.text, opening.end())
        if not found or found[1] != _CLOSING_BRACKET[mark]:
            return None
        kind = Kind.INLINE_MATH if mark == "(" else Kind.DISPLAY_MATH
        return Segment(kind, opening.start(), found.end(), opening.end(), found.end() - 2)

    def environment(self, opening: re.Match[str]) -> Segment | None:
        if self.environment_ends is None:
            self.environment_ends = _match_environments(self.text)
        start, end = opening.start(), self.environment_ends.get(opening.start())
        if end is None:
            return None
        is_math = _MATH_ENVIRONMENT.fullmatch(opening["environment"])
        kind = Kind.DISPLAY_MATH if is_math else Kind.ENVIRONMENT
        return Segment(kind, start, end, start, end)

    def figure(self, opening: re.Match[str]) -> Segment | None:
        found = _FIGURE_EDGE.search(self.text, opening.end())
        if not found or found[0] == "[asy]":
            return None
        return Segment(Kind.FIGURE, opening.start(), found.end(), opening.end(), found.start())

    def fence(self, opening: re.Match[str]) -> Segment | None:
        mark = opening["fence"][0]
        # Lengths past the limit count as the limit, which keeps the number of searches small.
        length = min(len(opening["fence"]), _LONGEST_FENCE)
        if length >= self.open_fences.get(mark, _LONGEST_FENCE + 1):
            return None
        first_line_end = self.text.find("\n", opening.end())
        closing = re.compile(rf"^[ \t]{{0,3}}({mark}{{{length},}}+)[ \t\r]*$", re.MULTILINE)
        found = closing.search(self.text, first_line_end) if first_line_end >= 0 else None
        if not found:
            self.open_fences[mark] = length
            return None
        start = opening.start("fence")
        return Segment(Kind.CODE, start, found.end(1), first_line_end + 1, found.start())


def _match_environments(text: str) -> dict[int, int]:
    """Map where each closed `\\begin{…}` starts to where its `\\end{…}` ends, nesting minded."""
    ends: dict[int, int] = {}
    open_by_name: dict[str, list[int]] = {}
    for edge in _ENVIRONMENT_EDGE.finditer(text):
        if edge[1] == "begin":
            open_by_name.setdefault(edge[2], []).append(edge.start())
        elif edge[1] == "end" and open_by_name.get(edge[2]):
            ends[open_by_name[edge[2]].pop()] = edge.end()
    return ends
