"""Turns the text of problems, solutions and steps into safe HTML, math drawn as MathML.

There is no Markdown here: models write stray `*`, `_` and `#` far oftener than they mean markup.
"""

import re
from collections.abc import Iterator
from html import escape

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from web import mathml
from web.spans import Kind, Segment, scan

LONGEST_DRAWN = 100_000
"""Characters; what a text has beyond them is shown as written, which bounds the work for a page."""

_PARAGRAPH_BREAK = re.compile(r"\n[^\S\n]*+\n\s*+")
_LINE_BREAK = re.compile(r"[^\S\n]*+\n[^\S\n]*+")
_ESCAPED = re.compile(r"(\\\\)|\\\$")
# These stand on lines of their own, so that a line break beside them would only add an empty line.
_STANDS_ALONE = frozenset({Kind.DISPLAY_MATH, Kind.FIGURE, Kind.CODE, Kind.ENVIRONMENT})


def render(text: str) -> SafeString:
    """Return `text` as a `<div class="richtext">` without any inline style or script."""
    drawn, rest = _cut(text)
    blocks = list(_blocks(drawn))
    if rest:
        blocks.append(_source(gettext("The rest of the text, as written"), rest))
    # Every piece below is escaped where it is made.
    return mark_safe(f'<div class="richtext">{"".join(blocks)}</div>')  # noqa: S308


def _cut(text: str) -> tuple[str, str]:
    """Cut a text that is too long, at the end of a line where there is one."""
    if len(text) <= LONGEST_DRAWN:
        return text, ""
    end = text.rfind("\n", 0, LONGEST_DRAWN) + 1 or LONGEST_DRAWN
    return text[:end], text[end:]


def _blocks(text: str) -> Iterator[str]:
    paragraph: list[str] = []
    segments = list(scan(text))
    for index, segment in enumerate(segments):
        match segment.kind:
            case Kind.TEXT:
                first, *others = _PARAGRAPH_BREAK.split(_trimmed(text, segments, index))
                paragraph.append(_words(first))
                for other in others:
                    yield from _paragraph(paragraph)
                    paragraph = [_words(other)]
            case Kind.INLINE_MATH | Kind.DISPLAY_MATH:
                display = segment.kind == Kind.DISPLAY_MATH
                paragraph.append(mathml.render(segment.inner(text), display=display))
            case Kind.CALCULATOR:
                annotation = escape(text[segment.start : segment.end])
                paragraph.append(f'<span class="calc">{annotation}</span>')
            case _:
                yield from _paragraph(paragraph)
                paragraph = []
                yield _block(text, segment)
    yield from _paragraph(paragraph)


def _trimmed(text: str, segments: list[Segment], index: int) -> str:
    """The words of a TEXT segment, without the line breaks next to what stands alone."""
    words = text[segments[index].start : segments[index].end]
    core = words.strip()
    before = words[: len(words) - len(words.lstrip())]
    after = words[len(words.rstrip()) :] if core else ""
    if index > 0 and segments[index - 1].kind in _STANDS_ALONE:
        before = _paragraph_break(before)
    if index + 1 < len(segments) and segments[index + 1].kind in _STANDS_ALONE:
        after = _paragraph_break(after)
    return before + core + after


def _paragraph_break(space: str) -> str:
    return "\n\n" if _PARAGRAPH_BREAK.search(space) else ""


def _words(text: str) -> str:
    plain = _ESCAPED.sub(lambda found: found[1] or "$", text)
    return _LINE_BREAK.sub("<br>", escape(plain))


def _paragraph(parts: list[str]) -> Iterator[str]:
    content = "".join(parts).strip()
    if content:
        yield f"<p>{content}</p>"


def _block(text: str, segment: Segment) -> str:
    match segment.kind:
        case Kind.FIGURE:
            return _source(gettext("Figure, as Asymptote source"), segment.inner(text))
        case Kind.ENVIRONMENT:
            return _source(gettext("LaTeX source"), segment.inner(text), is_open=True)
    return f"<pre><code>{escape(segment.inner(text))}</code></pre>"


def _source(label: str, source: str, *, is_open: bool = False) -> str:
    opened = " open" if is_open else ""
    return (
        f'<details class="source"{opened}><summary>{escape(label)}</summary>'
        f"<pre>{escape(source.strip())}</pre></details>"
    )
