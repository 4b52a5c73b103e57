"""Splits a solution's text into steps, keeping where each step lies. docs/steps.md tells the rules.

Labels mean nothing without the split they were given on, so every `Split` carries the splitter's
name and VERSION. Raise VERSION whenever any splitter, or `web.spans`, gives other steps for any
text.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from web.registry import lookup
from web.spans import protected

VERSION = 1


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text: `text` is what lies between the character offsets `start` and `end`."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Split:
    """A text's steps, in order. Between them lies nothing but white space, `<think>` tags and
    `answer`, so that the whole text can be put together again from the offsets.
    """

    splitter: str
    version: int
    steps: tuple[Span, ...]
    answer: Span | None
    """GSM8K's last line (`A: 18` or `#### 18`), which is no step."""


Cut = tuple[int, int]
"""Where a text is cut: the offsets of what lies between two steps, which may be nothing."""

_ANSWER_LINE = re.compile(r"####[ \t]*\S.*|A:[ \t]*-?\$?\.?\d.*")
_ANSWER_HEADER = re.compile(r"(?:\A|\n)# Answer[ \t]*(?:\r?\n|\Z)")


def split(text: str, splitter: str = "newline") -> Split:
    """Split `text` by the splitter of that name; raise UnknownName, listing the names, for another.

    Steps carry no outer white space, and none is empty.
    """
    cuts = lookup("splitter", SPLITTERS, splitter)
    answer = _answer_line(text)
    body = text[: answer.start] if answer else text
    return Split(splitter, VERSION, tuple(_steps(body, cuts(body))), answer)


def _steps(text: str, cuts: Iterable[Cut]) -> Iterator[Span]:
    position = 0
    for start, end in (*cuts, (len(text), len(text))):
        piece = text[position:start]
        if step := piece.strip():
            step_start = position + len(piece) - len(piece.lstrip())
            yield Span(step, step_start, step_start + len(step))
        position = end


def _answer_line(text: str) -> Span | None:
    """The last line that is not blank, if it is an answer of GSM8K (`#### 18` or `A: 18`)."""
    end = len(text.rstrip())
    line_start = text.rfind("\n", 0, end) + 1
    line = text[line_start:end].lstrip()
    start = end - len(line)
    if not _ANSWER_LINE.fullmatch(line):
        return None
    if any(segment.start < start < segment.end for segment in protected(text)):
        return None
    return Span(line, start, end)


def _allowed(text: str, cuts: Iterable[Cut]) -> Iterator[Cut]:
    """Those of `cuts` that go through no math, code, figure or environment, nor through
    PRM800K's `# Answer` part, which belongs to the step before it.
    """
    spans = [(segment.start, segment.end) for segment in protected(text)]
    headers = (header.span() for header in _ANSWER_HEADER.finditer(text))
    answer_start = max((start for start, _ in _clear_of(spans, headers)), default=len(text))
    for start, end in _clear_of(spans, cuts):
        if end <= answer_start:
            yield start, end


def _clear_of(spans: list[Cut], cuts: Iterable[Cut]) -> Iterator[Cut]:
    """Those of `cuts` that overlap none of `spans`; both are in order."""
    upcoming = 0
    for start, end in cuts:
        while upcoming < len(spans) and spans[upcoming][1] <= start:
            upcoming += 1
        if upcoming == len(spans) or end <= spans[upcoming][0]:
            yield start, end


_LINE_BREAKS = re.compile(r"[\r\n]+")
_BLANK_LINE = re.compile(r"\n[^\S\n]*+\n\s*+")
_STEP_NUMBER = re.compile(
    r"^[ \t#>*_]*+Step[ \t]+\d{1,6}[*_]*[ \t]*(?:[:.)\-–—]|$)", re.MULTILINE | re.IGNORECASE
)
_THINK_TAG = re.compile(r"</?think>")


def _newline(text: str) -> Iterator[Cut]:
    return _allowed(text, (found.span() for found in _LINE_BREAKS.finditer(text)))


def _blank_line(text: str) -> Iterator[Cut]:
    return _allowed(text, (found.span() for found in _BLANK_LINE.finditer(text)))


def _step_number(text: str) -> Iterator[Cut]:
    # The number stays with its step; what comes before the first number is a step of its own.
    starts = (found.start() for found in _STEP_NUMBER.finditer(text))
    return _allowed(text, ((start, start) for start in starts))


def _think(text: str) -> Iterator[Cut]:
    # Section by section, so that a formula or fence left open in a thought cannot reach past it.
    position = 0
    for tag in _THINK_TAG.finditer(text):
        yield from _shifted(_blank_line(text[position : tag.start()]), position)
        yield tag.span()
        position = tag.end()
    yield from _shifted(_blank_line(text[position:]), position)


def _shifted(cuts: Iterable[Cut], offset: int) -> Iterator[Cut]:
    return ((start + offset, end + offset) for start, end in cuts)


# A mark that may end a sentence, closing brackets and quotes (MATH puts the full stop inside the
# formula), then white space; or a blank line, which always ends one.
_SENTENCE_GAP = re.compile(
    r"(?P<mark>[.!?])(?:\$\$?|\\[)\]])?[\"'”’)\]*_]*"
    r"(?P<gap>[^\S\n]++(?:\n[^\S\n]*+)?|\n[^\S\n]*+)(?=(?P<next>\S))"
    r"|(?P<blank>\n[^\S\n]*+\n\s*+)"
)
# Initials (`J.`, `U.S.`, `e.g.`) and words that are written with a full stop.
_ABBREVIATION = re.compile(
    r"(?:[a-z]\.)*[a-z]|al|approx|ca|cf|dept|dr|eqn?|etc|fig|jr|mrs?|ms|mt|prof|rev|sr|st|viz|vs"
)
_BEFORE_NUMBERS = frozenset(["no", "nos", "p", "pp"])
_LONGEST_WORD = 24


def _sentence(text: str) -> Iterator[Cut]:
    return _allowed(text, _sentence_gaps(text))


def _sentence_gaps(text: str) -> Iterator[Cut]:
    for found in _SENTENCE_GAP.finditer(text):
        if found["blank"]:
            yield found.span("blank")
        elif not found["next"].islower() and not _is_inside_sentence(text, found):
            yield found.span("gap")


def _is_inside_sentence(text: str, found: re.Match[str]) -> bool:
    """Whether the full stop belongs to an ellipsis, abbreviation, initial or list number."""
    if found["mark"] != ".":
        return False
    before = text[max(0, found.start() - _LONGEST_WORD) : found.start()]
    line = before.rpartition("\n")[2].strip(" \t*#>")
    word = re.split(r"[\s\"'“‘(\[*_]", before)[-1].lower()
    return (
        before.endswith(".")
        or line.isdecimal()
        or _ABBREVIATION.fullmatch(word) is not None
        or (word in _BEFORE_NUMBERS and found["next"].isdigit())
    )


Splitter = Callable[[str], Iterator[Cut]]

SPLITTERS: dict[str, Splitter] = {
    "newline": _newline,
    "blank_line": _blank_line,
    "step_number": _step_number,
    "sentence": _sentence,
    "think": _think,
}
