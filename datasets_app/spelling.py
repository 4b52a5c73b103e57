"""When two problems are the same but for how they are spelt, or share text.

Exact duplicates after normalisation and shared 13-grams are what GPT-3's authors looked for
(Brown et al. 2020, appendix C); LaTeX's ways to spell the same are PRM800K's grader's and ours.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

N_GRAM = 13
"""Words."""

_ENVIRONMENT = re.compile(r"\\(?:begin|end)\{[a-z]*\*?\}(?:\[[^\]]*\]|\{[lcr|]*\})?")
_DROPPED = re.compile(
    r"\\(?:left|right|bigg?|Bigg?|displaystyle|textstyle|limits|qquad|quad)(?![A-Za-z])"
    r"|\\[,;:!> ()\[\]]|[$~]|\\\\"
)
_SAME = (
    (re.compile(r"\\[dtc]frac(?![A-Za-z])"), r"\\frac"),
    (re.compile(r"\\(?:text|mbox|mathrm|textbf|textit|mathbf)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\(?:geqslant|geq)(?![A-Za-z])"), r"\\ge"),
    (re.compile(r"\\(?:leqslant|leq)(?![A-Za-z])"), r"\\le"),
    (re.compile(r"\\neq(?![A-Za-z])"), r"\\ne"),
    (re.compile(r"\\(?:[lc]?dots[a-z]?)(?![A-Za-z])"), "..."),
    (re.compile(r"\^\{?\\circ\}?|\\degree(?![A-Za-z])|\u00b0"), r"\\deg"),
    (re.compile(r"([_^])\{(\w)\}"), r"\1\2"),
    (re.compile(r"\\(frac|sqrt)\s*([^\W_])"), r"\\\1{\2}"),
    (re.compile(r"(\\frac\{[^{}]*\})\s*([^\W_])"), r"\1{\2}"),
    (re.compile(r"\\([%$#&_])"), r"\1"),
)
_WORD = re.compile(r"[^\W_]+")


def normalised(text: str) -> str:
    """Return `text` without what spelling alone differs in: white space, case, LaTeX's synonyms."""
    plain = unicodedata.normalize("NFKC", text)
    plain = _ENVIRONMENT.sub(" ", plain)
    for pattern, same in _SAME:
        plain = pattern.sub(same, plain)
    plain = _DROPPED.sub(" ", plain).casefold()
    # Within a formula white space means nothing, and which text is a formula is not asked.
    return re.sub(r"\s+(?=\W)|(?<=\W)\s+", "", " ".join(plain.split()))


def n_grams(text: str) -> Iterator[str]:
    """Yield every run of 13 words of `text`, none of a shorter one; marks are no words."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    for start in range(len(words) - N_GRAM + 1):
        yield " ".join(words[start : start + N_GRAM])


def _grams(text: str) -> Iterator[str]:
    """Yield the 13-grams of a problem as it is spelt and as it is normalised."""
    yield from n_grams(text)
    yield from n_grams(normalised(text))


class HeldOutTexts:
    """What no problem of a dataset may be, or share 13 words with."""

    def __init__(self, texts: Iterable[tuple[str, str]]) -> None:
        """`texts` are (name of the held-out set, problem)."""
        self._whole: dict[str, str] = {}
        self._grams: dict[str, str] = {}
        for name, text in texts:
            self._whole.setdefault(normalised(text), name)
            for gram in _grams(text):
                self._grams.setdefault(gram, name)

    def found_in(self, text: str) -> tuple[str, str] | None:
        """Return (name of the set, why) for a problem that must be left out, else None."""
        if not self._whole:
            return None
        if name := self._whole.get(normalised(text)):
            return name, "the same problem"
        for gram in _grams(text):
            if name := self._grams.get(gram):
                return name, f"shares 13 words: {gram}"
        return None
