"""Units of plain answers: where they stand, and when two of them are at odds. See docs/answers.md.

Nothing is converted: which number of minutes an hour is, is for whoever states the answer.
"""

import re

TEXT_COMMAND = re.compile(r"\\(?:text|textbf|textit|mathrm|mbox)\{([^{}\\]*)\}")
_SPACED_TEXT = re.compile(r"(?:\\[,;: ]|[ ~])*" + TEXT_COMMAND.pattern)
_MATH = re.compile(r"(?<!\\)\$([^$]*[^$\\])\$")
_SAME = {
    "cm": "centimeter", "mm": "millimeter", "km": "kilometer", "kg": "kilogram", "mg": "milligram",
    "ml": "milliliter", "lb": "pound", "oz": "ounce", "ft": "foot", "hr": "hour", "min": "minute",
    "sec": "second", "feet": "foot", "usd": "dollar", "buck": "dollar", "metre": "meter",
    "litre": "liter", "people": "person", "children": "child", "men": "man", "women": "woman",
}  # fmt: skip
_MONEY_SIGN = re.compile(r"\A[-+−]?\\?([$€£]) ?[-+−]?[0-9.]|[0-9] ?\\?([$€£])\Z")
_CURRENCIES = {"$": "dollar", "€": "euro", "£": "pound"}
_WITH_UNIT = re.compile(
    r"([-+$€£\\0-9.,/ ]*[0-9.]) ((?:[A-Za-z]{3,}|(?:cm|mm|km|kg|mg|ml|lb|oz|ft|hr)\b)"
    r"(?: [A-Za-z]{2,}){0,3})"
)
_NOT_UNITS = re.compile(
    r"\b(?:and|or|minus|plus|times|over|hal(?:f|ves)|thirds?|quarters?|dozen|percent|sqrt"
    r"|hundred|thousand|million|billion|trillion)\b",
    re.IGNORECASE,
)
_SAYS_NOTHING = frozenset(["left", "more", "total", "altogether", "remaining", "extra", "each"])
_JOINTS = frozenset(["per", "of", "in", "for", "every"])

Unit = tuple[str, ...]
"""The stems of its words, money signs spelt out; empty when there is none."""


def split_unit(answer: str) -> tuple[str, Unit]:
    r"""Return the answer without the words after its number, and its unit.

    A money sign stays in the text. "18 eggs a day", "2 pi", "cm^2" are no number with a unit.
    """
    answer = _SPACED_TEXT.sub(r" \1", _MATH.sub(r"\1", answer))
    words: list[str] = []
    found = _WITH_UNIT.fullmatch(" ".join(answer.split()))
    if found and not _NOT_UNITS.search(found[2]):
        answer = found[1]
        words = [_stem(word) for word in found[2].split() if word.lower() not in _SAYS_NOTHING]
    sign = _MONEY_SIGN.search(answer)
    if sign:
        words.insert(0, _CURRENCIES[sign[1] or sign[2]])
    return answer, tuple(words)


def at_odds(one: Unit, other: Unit) -> bool:
    """Whether two units say different things of the same number.

    They do not where one says more of the same: "eggs per day" and "eggs", "red apples" and
    "apples".
    """
    short, long = sorted((one, other), key=len)
    if not short or "per" in (short[0], long[0]) or long[: len(short)] == short:
        return False
    # "hours per day" is not a kind of days, nor "bags of apples" one of apples.
    rest = long[: -len(short)]
    return long[-len(short) :] != short or not _JOINTS.isdisjoint(rest)


def _stem(word: str) -> str:
    """The word without what plural and singular may differ in: -s, -es, -y, -ies, -e."""
    word = word.lower()
    word = _SAME.get(word.rstrip("s"), word)
    return word if word in _JOINTS else word.rstrip("siey")
