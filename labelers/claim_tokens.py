"""A step's text as the tokens of arithmetic: numbers, operators, units, and what ends a claim."""

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Literal

MAX_DIGITS = 30

Kind = Literal["number", "unit", "percent", "op", "open", "close", "eq", "word", "edge", "junk"]
"""`edge` ends a claim as the end of a sentence does; `junk` spoils the side that touches it."""


@dataclass(slots=True)
class Token:
    kind: Kind
    text: str
    start: int
    end: int
    value: Fraction = Fraction(0)
    """Of a number."""


_TOKEN = re.compile(
    r"""
    (?P<space> [ \t~]+ | \\[,;!\ ] )
  | (?P<apostrophe> (?<=[0-9])['’](?=[0-9]) )
  | (?P<edge> \n | \\[()\[\]\\] | & | ["'“”‘’`\]] | [.,;:?]+(?=[\s"'”’$\\)]|$) )
  | (?P<power> \*\*+ | // )
  | (?P<number> (?:\\?[$€£]\ ?)?
      (?: [0-9]{1,3}(?:,[0-9]{3})+(?!,?[0-9])(?:\.[0-9]+)? | [0-9]+(?:\.[0-9]+)? | \.[0-9]+ ) )
  | (?P<money> \\?[$€£] )
  | (?P<percent> \\?% )
  | (?P<per> /\ ?[A-Za-z]{3,}(?:[/-][A-Za-z]+)* )
  | (?P<op> [-+*/×÷·−–] | \\(?:times|div|cdot)(?![A-Za-z]) )
  | (?P<eq> (?<![<>!:=~])=(?![=>]) )
  | (?P<open> (?:\\left\ ?)?\( )
  | (?P<close> (?:\\right\ ?)?\) )
  | (?P<word> [A-Za-z]+(?:['’/-][A-Za-z]+)* )
  | (?P<junk> . )
    """,
    re.VERBOSE,
)
_KINDS: dict[str, Kind] = {
    "apostrophe": "junk", "edge": "edge", "power": "junk", "number": "number", "money": "edge",
    "percent": "percent", "per": "unit", "op": "op", "eq": "eq", "open": "open", "close": "close",
    "word": "word", "junk": "junk",
}  # fmt: skip
_BOLD = re.compile(r"(?<![^\s(])\*\*(?=\S)((?:[^*\n]|\*(?!\*)){1,200})(?<=\S)\*\*(?=[\s.,;:)]|$)")
_FRACTION = re.compile(r"\\[dt]?frac\{([^{}\\]{1,60})\}\{([^{}\\]{1,60})\}")
_TEXT_COMMAND = re.compile(r"\\(?:text|mathrm|textbf)\{([^{}\\]{0,60})\}")
_OPERATORS = {
    "×": "*", "·": "*", r"\times": "*", r"\cdot": "*", "÷": "/", r"\div": "/", "−": "-", "–": "-",
}  # fmt: skip
_GLUED_UNITS = frozenset(
    ["kg", "mg", "lb", "lbs", "oz", "cm", "mm", "km", "ft", "in", "ml", "mph", "hr", "hrs", "min"]
)
# They join two statements, so a number before them belongs to the first.
_JOINING = re.compile(
    r"and|or|but|so|then|is|are|was|were|has|have|had|of|than|more|less|fewer|because|if|when|which"
    r"|that|to|from"
)
# They change the number they stand by.
_CHANGING = re.compile(
    r"(?:hundred|thousand|million|billion|trillion|dozen|third|quarter|fourth|fifth|pair)s?|half"
    r"|halves|percent|times|squared|cubed|plus|minus|remainder|over|pi|sqrt|factorial"
)


def plain_spelling(text: str) -> str:
    r"""Return `text` with `\frac{a}{b}`, `\text{…}`, `{,}` and `**bold**` spelt plainly."""
    text = _BOLD.sub(r" \1 ", _TEXT_COMMAND.sub(r" \1 ", text.replace("{,}", ",")))
    return _FRACTION.sub(r"((\1)/(\2))", text)


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of plainly spelt `text`; words become units or operators if they are."""
    tokens = _raw_tokens(text)
    for index, token in enumerate(tokens):
        if token.kind == "word":
            _read_word(tokens, index)
        elif token.kind in ("number", "unit"):
            _spoil_names(tokens, index)
    _end_statements(tokens)
    _read_parentheses(tokens)
    return tokens


def _raw_tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    for found in _TOKEN.finditer(text):
        name = found.lastgroup
        if name is None or name == "space":
            continue
        token = Token(_KINDS[name], found[0].strip(), found.start(), found.end())
        if token.kind == "op":
            token.text = _OPERATORS.get(token.text, token.text)
        elif token.kind == "number" and len(token.text) > MAX_DIGITS:
            token.kind = "junk"
        elif token.kind == "number":
            token.value = Fraction(token.text.lstrip("\\$€£ ").replace(",", ""))
        tokens.append(token)
    return tokens


def _spoil_names(tokens: list[Token], index: int) -> None:
    """`x3` is a name, and "/day" without a number before it is no unit."""
    token = tokens[index]
    before = tokens[index - 1] if index else None
    if token.kind == "unit" and (before is None or before.kind not in ("number", "unit")):
        token.kind = "junk"
    if token.kind == "number" and before and before.kind == "word" and before.end == token.start:
        token.kind = "junk"


def _read_word(tokens: list[Token], index: int) -> None:
    """Turn a word into an operator ("x", "of"), a unit of the number before it, or junk."""
    token, lower = tokens[index], tokens[index].text.lower()
    before = tokens[index - 1] if index else None
    after = tokens[index + 1] if index + 1 < len(tokens) else None
    if before is None or before.kind not in ("number", "unit", "percent", "close"):
        if len(lower) == 1 and lower not in "ai":
            token.kind = "junk"
        return
    is_glued = before.end == token.start
    if after and after.kind in ("number", "open") and _multiplies(tokens, index):
        token.kind, token.text = "op", "*"
    elif is_glued and before.kind == "number" and lower not in _GLUED_UNITS:
        token.kind = before.kind = "junk"
    elif _CHANGING.fullmatch(lower) or len(lower) == 1:
        token.kind = "junk"
    elif not _JOINING.fullmatch(lower):
        token.kind = "unit"


def _multiplies(tokens: list[Token], index: int) -> bool:
    word, before = tokens[index].text, tokens[index - 1].kind
    if word in ("x", "X"):
        return True
    is_fraction = index > 1 and before == "number" and tokens[index - 2].text == "/"
    return word == "of" and (before in ("percent", "close") or is_fraction)


def _end_statements(tokens: list[Token]) -> None:
    """Several words between two numbers are no unit: a statement ends among them."""
    groups: list[tuple[Kind, list[Token]]] = [
        (kind, list(group)) for kind, group in groupby(tokens, lambda token: token.kind)
    ]
    groups.append(("edge", []))
    for (kind, words), (next_kind, _) in pairwise(groups):
        if kind == "unit" and len(words) > (1 if next_kind == "number" else 3):
            for word in words:
                word.kind = "word"


def _read_parentheses(tokens: list[Token]) -> None:
    """Parentheses around anything but arithmetic end a claim; those that multiply spoil it."""
    opened: list[int] = []
    last_boundary = -1
    for index, token in enumerate(tokens):
        if token.kind == "open":
            opened.append(index)
        elif token.kind == "close":
            start = opened.pop() if opened else None
            if start is None or last_boundary > start or _is_call(tokens, start):
                _take_out(tokens, index)
                if start is not None:
                    _take_out(tokens, start)
        if token.kind in ("word", "edge", "junk", "eq"):
            last_boundary = index
    for start in opened:
        _take_out(tokens, start)


def _is_call(tokens: list[Token], start: int) -> bool:
    return start > 0 and tokens[start - 1].kind == "word" and _touches(tokens, start - 1)


def _take_out(tokens: list[Token], index: int) -> None:
    """A parenthesis that touches what is outside it multiplies, or calls: `(t)(3 + 4)`, `f(3)`."""
    outside = index - 1 if tokens[index].kind == "open" else index
    tokens[index].kind = "junk" if _touches(tokens, outside) else "edge"


def _touches(tokens: list[Token], index: int) -> bool:
    """Whether a token and the next have nothing between them and are no punctuation."""
    if not 0 <= index < len(tokens) - 1:
        return False
    left, right = tokens[index], tokens[index + 1]
    return left.end == right.start and "edge" not in (left.kind, right.kind)
