"""Arithmetic that a text claims: `<<48/2=24>>` annotations and plain `a op b = c`.

Annotations are GSM8K's (grade-school-math, `calculator.py`), where the text between the brackets
is given to `eval`. Here an evaluator of our own reads numbers, `+ - * /` and parentheses and
nothing else, over fractions. What is read as a plain claim, and when one counts as false:
docs/judges.md.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from labelers.claim_context import (
    AFTER_LENGTH,
    BEFORE_LENGTH,
    changes_first_number,
    is_asserted,
)
from labelers.claim_sides import NotArithmetic, Side, side_of, side_or_none
from labelers.claim_tokens import Token, plain_spelling, tokens_of

TOLERANCE = Fraction(1, 10**6)
MAX_TEXT_LENGTH = 20_000

_ANNOTATION = re.compile(r"<<([-+*/().,0-9 ]{1,300})=([-+*/().,0-9 ]{1,300})>>")
_ANY_ANNOTATION = re.compile(r"<<[^<>\n]{0,1000}>>")
_OTHER_ARITHMETIC = re.compile(
    r"\\p?mod\b|\bmod(?:ulo)?\b|\\equiv|≡|\b(?:base|binary|octal|hexadecimal)\b", re.IGNORECASE
)
_ADDING = frozenset("+-")
# Minutes for hours, cents for dollars, inches for feet: a side in another unit, not a mistake.
_UNIT_RATIOS = frozenset(
    Fraction(ratio) for ratio in (3, 4, 7, 8, 10, 12, 16, 24, 30, 36, 52, 60, 100, 365, 1000, 3600)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One equality that a text claims and that could be checked."""

    text: str
    holds: bool
    correction: str
    """What the left side is instead, as in "16 - 3 is 13"; empty when the claim holds."""

    def __str__(self) -> str:
        return self.text if self.holds else f"{self.text} is false: {self.correction}"


def annotation_claims(text: str) -> list[Claim]:
    """Check the `<<a=b>>` annotations of `text`; the sides must agree within a relative 1e-6.

    Read is the calculator's form: numbers and operators around one `=`.
    """
    claims = []
    for sides in _ANNOTATION.findall(text if len(text) <= MAX_TEXT_LENGTH else ""):
        try:
            left, right = (side_of(side, tokens_of(side)) for side in _without_commas(sides))
        except NotArithmetic:
            continue
        claims.append(_claim(left, right, _are_close(left.value, right.value)))
    return claims


def plain_claims(text: str) -> list[Claim]:
    """Check what `text` claims outside annotations, chains `a = b = c` included.

    A claim that may well be meant otherwise (another unit, a rounded figure, a running total) is
    left out rather than called false, and so is one that the text supposes, asks or refutes.
    """
    if len(text) > MAX_TEXT_LENGTH or _OTHER_ARITHMETIC.search(text):
        return []
    text = plain_spelling(_ANY_ANNOTATION.sub("", text))
    claims = []
    for run in _runs(tokens_of(text)):
        sides = [side_or_none(text, tokens) for tokens in run]
        before, after = _around(text, run)
        if not is_asserted(before, after):
            continue
        for position, (left, right) in enumerate(pairwise(sides)):
            if left is None or right is None or not (left.operators or right.operators):
                continue
            if position == 0 and not left.operators:
                # "Car 1 = 60 + 20": the number may be part of a name.
                continue
            holds = _holds(left, right, before if position == 0 else "")
            if holds is not None:
                claims.append(_claim(left, right, holds))
    return claims


def _around(text: str, run: Sequence[Sequence[Token]]) -> tuple[str, str]:
    """What stands before an equation, and after its last number: its unit, too."""
    tokens = [token for side in run for token in side]
    if not tokens:
        return "", ""
    start = tokens[0].start
    end = max((token.end for token in tokens if token.kind == "number"), default=start)
    return text[max(0, start - BEFORE_LENGTH) : start], text[end : end + AFTER_LENGTH]


def _without_commas(sides: Sequence[str]) -> list[str]:
    return [side.replace(",", "").strip() for side in sides]


def _claim(left: Side, right: Side, holds: bool) -> Claim:
    correction = "" if holds else f"{left.text} is {_decimal(left.value)}"
    return Claim(text=f"{left.text} = {right.text}", holds=holds, correction=correction)


def _decimal(value: Fraction) -> str:
    """The value as people write it, to twelve digits."""
    return f"{Decimal(value.numerator) / Decimal(value.denominator):.12g}"


# --- Judging a plain claim --------------------------------------------------------------------


def _holds(left: Side, right: Side, before: str) -> bool | None:
    """Whether the sides are equal; None when the claim is doubtful rather than false."""
    if _agree(left, right):
        return True
    is_doubtful = (
        changes_first_number(before)
        or _is_rounded(left, right)
        or _goes_on(left, right)
        or _divides_twice(left)
        or _divides_twice(right)
        or _is_another_unit(left, right)
        or _adds_percent(left)
        or _adds_percent(right)
    )
    return None if is_doubtful else False


def _agree(left: Side, right: Side) -> bool:
    if _are_close(left.value, right.value):
        return True
    # "40 / 50 * 100 = 80%" and "100% - 20% = 80" mean percent as a unit, not as hundredths.
    counts_percent = right.has_percent != left.has_percent and (
        right.has_percent or set(left.operators) <= _ADDING
    )
    if counts_percent and _are_close(left.percent_as_number, right.percent_as_number):
        return True
    places = _places(right)
    return places > 0 and abs(left.value - right.value) <= Fraction(1, 2 * 10**places)


def _are_close(left: Fraction, right: Fraction) -> bool:
    return abs(left - right) <= TOLERANCE * max(abs(left), abs(right))


def _places(side: Side) -> int:
    """Printed decimals of a side that is one number; 0 where it is more than that."""
    if side.operators or side.has_percent:
        return 0
    return len(side.numbers[0].text.partition(".")[2])


def _is_rounded(left: Side, right: Side) -> bool:
    """Cut off or rounded to the printed place, whole numbers included: 7 / 2 = 3, 2 / 3 = 0.66."""
    if right.operators:
        return False
    unit = Fraction(1, 10 ** _places(right))
    return abs(left.value - right.value) < unit and (left.value / unit).denominator != 1


def _goes_on(left: Side, right: Side) -> bool:
    """A running total: in 3 + 4 = 7 + 2 = 9 the second side starts from the first one's value."""
    return bool(right.operators) and right.numbers[0].value == left.value


def _divides_twice(side: Side) -> bool:
    """27/3/4 is often meant as 27/(3/4)."""
    return "//" in "".join(side.operators)


def _is_another_unit(left: Side, right: Side) -> bool:
    units = {unit.lower().partition("/")[0].rstrip("s") for unit in left.units}
    if len(units) > 1 and _ADDING & set(left.operators):
        return True
    if not left.value or not right.value:
        return False
    ratio = abs(left.value / right.value)
    return bool(left.units | right.units) and not _UNIT_RATIOS.isdisjoint({ratio, 1 / ratio})


def _adds_percent(side: Side) -> bool:
    """20% added to something that is no percentage: of what, the text does not say."""
    percents = sum(token.kind == "percent" for token in side.tokens)
    return 0 < percents < len(side.numbers) and bool(_ADDING & set(side.operators))


# --- Finding sides ---------------------------------------------------------------------------


def _runs(tokens: Sequence[Token]) -> Iterator[list[list[Token]]]:
    """The equations of a text, each as the tokens of its sides; a spoiled side is empty."""
    sides: list[list[Token]] = [[]]
    is_spoiled = False
    before: Token | None = None
    for index, token in enumerate(tokens):
        if token.kind in ("word", "edge", "junk"):
            if token.kind == "junk":
                sides[-1] = []
            if len(sides) > 1:
                yield sides
            sides, is_spoiled, before = [[]], token.kind == "junk", token
        elif token.kind == "eq":
            sides.append([])
            is_spoiled = False
        elif token.kind == "op" and sides == [[]] and not _is_sign(tokens, index):
            # A list's bullet starts a line; elsewhere something unreadable stood before it.
            is_spoiled = is_spoiled or not (before is None or before.text == "")
        elif not is_spoiled:
            sides[-1].append(token)
    if len(sides) > 1:
        yield sides


def _is_sign(tokens: Sequence[Token], index: int) -> bool:
    """A minus that touches the number after it and not the word before it."""
    token, after = tokens[index], tokens[index + 1 : index + 2]
    before = tokens[index - 1] if index else None
    if token.text != "-" or not after or after[0].start != token.end:
        return False
    return (
        before is None
        or before.kind == "edge"
        or (before.kind == "word" and before.end < token.start and len(before.text) > 1)
    )
