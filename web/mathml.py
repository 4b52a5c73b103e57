"""Draws one TeX formula as MathML Core that is safe to put in a page. docs/math.md tells why.

math-core draws nearly all; what it does not know is tried with latex2mathml, and what neither can
draw is shown as source. Neither renderer is trusted: `web.tex_limits` refuses what would crash or
stall them, and all they write passes one allow-list.
"""

import re
from functools import lru_cache
from html import escape
from xml.etree import ElementTree

from latex2mathml import converter as latex2mathml
from latex2mathml import exceptions as latex2mathml_errors
from math_core import LatexError, LatexToMathML

from web.mathml_allowed import AllowedMathML, Refused
from web.tex_limits import is_drawable

# What no formula needs: definitions, of which bombs are made, and what XML cannot hold.
_NEVER_DRAWN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]|\\(?:(?:re|provide)?newcommand|(?:re)?newenvironment|[egx]?def|let|futurelet"
    r"|DeclareMathOperator)(?![A-Za-z])"
)

_MACROS = {
    "dotsb": r"\cdots",
    "dotsm": r"\cdots",
    "mbox": r"\text{#1}",
    "textnormal": r"\text{#1}",
    "cr": r"\\",
    "cancelto": r"\overset{#1}{\cancel{#2}}",
}
# Environments that math-core does not know, by what it does know that looks the same. Equations
# are not numbered: the number would start again with every formula of the page.
_ENVIRONMENTS = {
    **dict.fromkeys(["align", "alignat", "alignat*", "flalign", "flalign*"], "align*"),
    **dict.fromkeys(["split", "alignedat", "displaymath", "math", "dmath", "dmath*"], "aligned"),
    **dict.fromkeys(["equation", "gather", "multline"], "gather*"),
    **dict.fromkeys(["eqnarray", "eqnarray*"], "array"),
    "smallmatrix": "matrix",
}
_REWRITTEN = re.compile(
    r"\\(?P<edge>begin|end)\{(?P<environment>[A-Za-z]+\*?)\}(?P<columns>\{\d+\})?"
    r"|\\(?P<text>text|textrm|mbox)\{(?P<words>[^{}$]*\$[^{}]*)\}"
    r"|\\label\{[^{}]*\}|\\(?P<line>cline)\{[^{}]*\}|(?P<gap>(?<=[{|a-z ])@\{[^{}]*\})"
)
# HTML's names for invisible operators, which math-core writes and XML does not know.
_NAMED_CHARACTERS = {"&ApplyFunction;": "\u2061", "&InvisibleTimes;": "\u2062"}
_DOLLARS = re.compile(r"(?<!\\)\$([^$]*)\$")

_LONGEST_FOR_LATEX2MATHML = 1_000
"""Characters: its tokenizer backtracks, at a cost that grows with the square of the length."""
_LATEX2MATHML_ERRORS: tuple[type[Exception], ...] = (
    *(
        error
        for error in vars(latex2mathml_errors).values()
        if isinstance(error, type) and issubclass(error, Exception)
    ),
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    StopIteration,
    TypeError,
    ValueError,
)
"""Besides its own errors, all that its code trips over, such as a `next` after the last token."""

_LONGEST_KEPT = 400
"""Characters. MathML is at most some sixty times its source, so the cache stays under 60 MB."""


def render(source: str, *, display: bool) -> str:
    """Return `source`, TeX without its delimiters, as HTML: a `<math>` or, where it cannot be
    drawn, a `<code class="math-source">`. Never raises, and takes a fraction of a second at worst.
    """
    if len(source) <= _LONGEST_KEPT:
        return _render_kept(source, display)
    return _render(source, display)


def _render(source: str, display: bool) -> str:
    if is_drawable(source) and not _NEVER_DRAWN.search(source):
        drawn = _draw_with_math_core(source, display) or _draw_with_latex2mathml(source, display)
        if drawn:
            return drawn
    kind = "math-source math-block" if display else "math-source"
    return f'<code class="{kind}">{escape(source)}</code>'


_render_kept = lru_cache(maxsize=2048)(_render)


def _draw_with_math_core(source: str, display: bool) -> str | None:
    rewritten = _REWRITTEN.sub(_rewrite, source)
    if not is_drawable(rewritten):
        return None
    converter = LatexToMathML(macros=_MACROS, fancy_error=False, max_expansions=200)
    try:
        markup = converter.convert_with_local_state(rewritten, displaystyle=display)
    except LatexError:
        return None
    for name, character in _NAMED_CHARACTERS.items():
        markup = markup.replace(name, character)
    return _sanitize(markup, source)


def _rewrite(found: re.Match[str]) -> str:
    if found["edge"]:
        name = _ENVIRONMENTS.get(found["environment"])
        if name is None:
            return found[0]
        columns = "{rcl}" if name == "array" and found["edge"] == "begin" else ""
        return rf"\{found['edge']}{{{name}}}{columns}"
    if found["text"]:
        # math-core knows no `$` inside text: close the text around each formula.
        words = _DOLLARS.sub(r"}{\1}\\text{", found["words"])
        return rf"{{\text{{{words}}}}}"
    return r"\hline " if found["line"] else ""


def _draw_with_latex2mathml(source: str, display: bool) -> str | None:
    if len(source) > _LONGEST_FOR_LATEX2MATHML:
        return None
    try:
        markup = latex2mathml.convert(source, display="block" if display else "inline")
    except _LATEX2MATHML_ERRORS:
        return None
    return _sanitize(markup, source)


def _sanitize(markup: str, source: str) -> str | None:
    """Return what the allow-list leaves of `markup`; None where too little would be left."""
    # A document type, and with it any entity, could stand only before the first element.
    if not markup.startswith("<math"):
        return None
    allowed = AllowedMathML(source)
    parser = ElementTree.XMLParser(target=allowed)  # noqa: S314 (see above)
    try:
        parser.feed(markup)
        parser.close()
    except (ElementTree.ParseError, Refused):
        return None
    return allowed.close()
