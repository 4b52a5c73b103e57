"""The one allow-list that all rendered MathML passes.

Elements and attributes are those of MathML Core (https://www.w3.org/TR/mathml-core/). A `style`
would break the Content-Security-Policy: the declarations that math-core writes become classes of
math.css, and any other is dropped.
"""

import re
from html import escape
from xml.sax.saxutils import quoteattr

_NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"

_ELEMENT = re.compile(
    r"math|mrow|mi|mn|mo|ms|mspace|mtext|mfrac|msqrt|mroot|mstyle|mpadded|mphantom|msub|msup|msubsup"
    r"|munder|mover|munderover|mmultiscripts|mprescripts|mtable|mtr|mtd"
)
_ATTRIBUTE = re.compile(
    r"display|displaystyle|scriptlevel|mathcolor|mathvariant|form|fence|separator|lspace|rspace"
    r"|stretchy|symmetric|maxsize|minsize|largeop|movablelimits|width|height|depth|voffset"
    r"|linethickness|accent|accentunder"
)
# A word, a colour, or a length of less than 100: nothing reaches far out of its formula.
_VALUE = re.compile(
    r"[A-Za-z-]{1,24}|#[0-9A-Fa-f]{3,8}|[+-]?\d{0,2}(?:\.\d{1,12})?(?:em|ex|mu|pt|px|%)?"
)

# math-core marks up text with HTML elements, each the only child of its `mtext`.
_TEXT_STYLES = {
    "b": "math-bold",
    "i": "math-italic",
    "em": "math-italic",
    "u": "math-underline",
    "s": "math-strike",
    "code": "math-monospace",
    "span": "",
}
# `menclose` is not in MathML Core.
_ENCLOSURES = {
    "box": "math-box",
    "updiagonalstrike": "math-strike-up",
    "downdiagonalstrike": "math-strike-down",
    "actuarial": "math-actuarial",
    "phasorangle": "math-phasor",
}
_DECLARATIONS = {
    "text-align:right": "math-right",
    "text-align:left": "math-left",
    "padding-left:0": "math-no-gap-left",
    "padding-right:0": "math-no-gap-right",
    "padding-left:1em": "math-gap-left",
    "padding-left:0.1em": "math-thin-left",
    "padding-right:0.1em": "math-thin-right",
    "padding-left:0.1667em": "math-thin-left",
    "padding-right:0.1667em": "math-thin-right",
    "padding-left:0.2222em": "math-medium-left",
    "padding-right:0.2222em": "math-medium-right",
    "padding-left:0.2778em": "math-medium-left",
    "padding-right:0.2778em": "math-medium-right",
    "padding-top:0.1667em": "math-thin-top",
    "margin-left:-0.16666667em": "math-back-thin",
    "margin-left:-0.22222222em": "math-back-medium",
    "margin-left:-0.2777778em": "math-back-thick",
    "width:100%": "math-wide",
    "width:50%": "math-margin",
    "width:7.5%": "math-indent",
    "border-top:0.05em solid currentcolor": "math-line-top",
    "border-left:0.05em solid currentcolor": "math-line-left",
    "border-right:0.05em solid currentcolor": "math-line-right",
    "border-top:0.05em dashed currentcolor": "math-dashes-top",
    "border-left:0.05em dashed currentcolor": "math-dashes-left",
    "border-right:0.05em dashed currentcolor": "math-dashes-right",
}
_ALIGNMENTS = {"left": "math-left", "right": "math-right"}
_UNKNOWN_COMMAND = re.compile(r"\\[A-Za-z]")


class Refused(ValueError):
    """The markup holds something that cannot be left out without changing the formula."""


class AllowedMathML:
    """A target for `xml.etree.ElementTree.XMLParser` that writes again what is allowed.

    It keeps no tree, so that depth costs nothing. Raises Refused at an element that is not allowed,
    and where a renderer wrote out a command that it did not know.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.parts: list[str] = []
        self.written: list[str] = []
        """What each element that is still open was written as; "" where it was left out."""
        self.text_start = 0
        """The place of the last `mtext` in `parts`."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.removeprefix(_NAMESPACE)
        if name in _TEXT_STYLES:
            self.start_text_style(name)
            return
        kept = {
            key: value
            for key, value in attributes.items()
            if _ATTRIBUTE.fullmatch(key) and _VALUE.fullmatch(value)
        }
        classes = _classes(attributes)
        if name == "menclose":
            name = "mrow"
        if not _ELEMENT.fullmatch(name) or (name == "math") != (not self.written):
            raise Refused(name)
        if name == "math":
            # Read out by screen readers that know no MathML, in place of the bare symbols.
            kept["alttext"] = self.source
        if color := re.search(r"color:(#[0-9A-Fa-f]{6})", attributes.get("style", "")):
            kept["mathcolor"] = color[1]
        if classes:
            kept["class"] = " ".join(classes)
        if name == "mtext":
            self.text_start = len(self.parts)
        written = "".join(f" {key}={quoteattr(value)}" for key, value in kept.items())
        self.parts.append(f"<{name}{written}>")
        self.written.append(name)

    def start_text_style(self, name: str) -> None:
        if "mtext" not in self.written[-3:]:
            raise Refused(name)
        self.written.append("")
        start = self.parts[self.text_start]
        if _TEXT_STYLES[name] and " class=" not in start:
            self.parts[self.text_start] = f'{start[:-1]} class="{_TEXT_STYLES[name]}">'

    def end(self, tag: str) -> None:
        if name := self.written.pop():
            self.parts.append(f"</{name}>")

    def data(self, text: str) -> None:
        if _UNKNOWN_COMMAND.search(text):
            raise Refused(text)
        self.parts.append(escape(text))

    def close(self) -> str:
        return "".join(self.parts)


def _classes(attributes: dict[str, str]) -> list[str]:
    declarations = re.split(r"\s*;\s*", attributes.get("style", ""))
    found = [_DECLARATIONS.get(re.sub(r":\s+", ":", entry.strip())) for entry in declarations]
    found += [_ENCLOSURES.get(name) for name in attributes.get("notation", "").split()]
    found.append(_ALIGNMENTS.get(attributes.get("columnalign", "")))
    return [name for name in found if name]
