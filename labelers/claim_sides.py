"""The exact value of one side of an arithmetic claim: no names, no powers, no `eval`."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from labelers.claim_tokens import Token

MAX_SIDE_TOKENS = 100
MAX_DEPTH = 20


class NotArithmetic(ValueError):
    """A side that the evaluator does not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a claim with its exact value."""

    tokens: Sequence[Token]
    text: str
    value: Fraction
    percent_as_number: Fraction
    """The value when `20%` is read as 20."""

    @property
    def operators(self) -> list[str]:
        """The binary ones: a sign stands at the start or after an operator or parenthesis."""
        return [
            token.text
            for before, token in pairwise(self.tokens)
            if token.kind == "op" and before.kind not in ("op", "open")
        ]

    @property
    def numbers(self) -> list[Token]:
        return [token for token in self.tokens if token.kind == "number"]

    @property
    def units(self) -> set[str]:
        return {token.text for token in self.tokens if token.kind == "unit"}

    @property
    def has_percent(self) -> bool:
        return any(token.kind == "percent" for token in self.tokens)


def side_or_none(text: str, tokens: Sequence[Token]) -> Side | None:
    try:
        return side_of(text, tokens)
    except NotArithmetic:
        return None


def side_of(text: str, tokens: Sequence[Token]) -> Side:
    """Evaluate one side; raises NotArithmetic where it is more, or less, than arithmetic."""
    if not 0 < len(tokens) <= MAX_SIDE_TOKENS:
        raise NotArithmetic
    return Side(
        tokens=tokens,
        text=" ".join(text[tokens[0].start : tokens[-1].end].split()),
        value=_Evaluation(tokens, percent=Fraction(1, 100)).value(),
        percent_as_number=_Evaluation(tokens, percent=Fraction(1)).value(),
    )


class _Evaluation:
    """Recursive descent over the tokens of one side."""

    def __init__(self, tokens: Sequence[Token], percent: Fraction) -> None:
        self._tokens = tokens
        self._percent = percent
        self._at = 0
        self._depth = 0

    def value(self) -> Fraction:
        value = self._sum()
        if self._at != len(self._tokens):
            raise NotArithmetic
        return value

    def _sum(self) -> Fraction:
        value = self._product()
        while operator := self._take_operator("+-"):
            term = self._product()
            value = value + term if operator == "+" else value - term
        return value

    def _product(self) -> Fraction:
        value = self._factor()
        while operator := self._take_operator("*/"):
            factor = self._factor()
            if operator == "/" and not factor:
                raise NotArithmetic
            value = value * factor if operator == "*" else value / factor
        return value

    def _factor(self) -> Fraction:
        if self._at == len(self._tokens):
            raise NotArithmetic
        token = self._tokens[self._at]
        self._at += 1
        if token.kind == "op" and token.text == "-" and self._depth < MAX_DEPTH:
            self._depth += 1
            value = -self._factor()
            self._depth -= 1
            return value
        if token.kind == "number":
            value = token.value
        elif token.kind == "open" and self._depth < MAX_DEPTH:
            self._depth += 1
            value = self._sum()
            self._depth -= 1
            if self._kind() != "close":
                raise NotArithmetic
            self._at += 1
        else:
            raise NotArithmetic
        return self._with_units(value)

    def _with_units(self, value: Fraction) -> Fraction:
        while self._kind() in ("unit", "percent"):
            if self._kind() == "percent":
                value *= self._percent
            self._at += 1
        return value

    def _take_operator(self, operators: str) -> str | None:
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        if token is None or token.kind != "op" or token.text not in operators:
            return None
        self._at += 1
        return token.text

    def _kind(self) -> str | None:
        return self._tokens[self._at].kind if self._at < len(self._tokens) else None
