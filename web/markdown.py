"""Turns Markdown that people write, such as guidelines, into safe HTML, math drawn as MathML.

CommonMark with tables. HTML in it is shown as text, an image is only a link to it, headings begin
one level down since the page has its own. Math is found by the rules of `web.spans`, within one
paragraph. What the renderer makes passes an allow-list before the formulas, which have one of
their own, are put in.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from secrets import token_hex
from typing import Any

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from web import mathml
from web.spans import MATH, Kind, Segment, scan

LONGEST = 100_000
"""Characters. A longer text is shown as written, which bounds the work for a page."""

TAGS = frozenset(
    ["p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code",
     "em", "strong", "a", "table", "thead", "tbody", "tr", "th", "td"]
)  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto"}


def render(text: str) -> SafeString:
    """Return `text` as a `<div class="richtext markdown">` without inline style or script."""
    if len(text) > LONGEST:
        return _wrapped(f"<pre>{escape(text)}</pre>")
    formulas: list[str] = []
    # Stands, with a number, for a formula until the rest is found to be safe. Nobody can write it:
    # elsewhere, in the title of a link say, a formula would break out of its quotes.
    mark = token_hex(16)
    html = _MARKDOWN.render(text, {"formulas": formulas, "mark": mark})
    safe = nh3.clean(
        html,
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )
    # Formulas come from mathml.render, which passes them through an allow-list of its own.
    return _wrapped(re.sub(f"{mark}(\\d+);", lambda found: formulas[int(found[1])], safe))


def _wrapped(html: str) -> SafeString:
    return mark_safe(f'<div class="richtext markdown">{html}</div>')  # noqa: S308


@lru_cache(maxsize=8)
def _formulas(text: str) -> dict[int, Segment]:
    """Return the formulas of a paragraph by where they begin."""
    return {segment.start: segment for segment in scan(text) if segment.kind in MATH}


def _formula(state: StateInline, silent: bool) -> bool:
    """Take a formula as it is, so that no `_` or `*` in it is read as Markdown."""
    if state.src[state.pos] not in "$\\":
        return False
    segment = _formulas(state.src).get(state.pos)
    if segment is None or segment.end > state.posMax:
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.content = segment.inner(state.src)
        token.markup = segment.kind
    state.pos = segment.end
    return True


def _dollar(state: StateInline, silent: bool) -> bool:
    """Take `\\$` for a dollar, and a `$` that opens no formula for itself."""
    escaped = state.src.startswith("\\$", state.pos)
    if not escaped and state.src[state.pos] != "$":
        return False
    if not silent:
        state.pending += "$"
    state.pos += 2 if escaped else 1
    return True


def _draw_formula(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    token = tokens[index]
    formulas: list[str] = env["formulas"]
    formulas.append(mathml.render(token.content, display=token.markup == Kind.DISPLAY_MATH))
    return f"{env['mark']}{len(formulas) - 1};"


def _lower_headings(state: StateCore) -> None:
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    markdown.inline.ruler.before("escape", "formula", _formula)
    markdown.inline.ruler.after("formula", "dollar", _dollar)
    markdown.core.ruler.push("lower_headings", _lower_headings)
    markdown.add_render_rule("formula", _draw_formula)
    return markdown


_MARKDOWN = _markdown()
