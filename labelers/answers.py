"""Final answers: finding them in a solution, and telling whether two of them are equal.

Sources of the forms read here, and what the comparison does and does not see: docs/answers.md.
"""

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from importlib.metadata import version

from labelers.answer_units import TEXT_COMMAND, at_odds, split_unit
from labelers.answer_worker import workers

GRADER = f"stepmark-answers/1 math-verify/{version('math-verify')}"
"""Name and version of the comparison, to be stored beside what it said."""

LIMIT_S = 3.0
MAX_LENGTH = 2_000
MAX_DEPTH = 20

# --- Finding the answer -----------------------------------------------------------------------

_PRM800K = re.compile(r"(?:\A|\n\n)# Answer\n\n")
_HASHES = re.compile(r"^####[ \t]*(\S.*)$", re.MULTILINE)
_GSM8K_GOLD = re.compile(r"#### (-?[0-9.,]+)")
_A_LINE = re.compile(r"A:(.*)")
_ANSWER_IS_COLON = re.compile(r"\bthe answer is:", re.IGNORECASE)
_PROSE = re.compile(r"\banswer\b[*_ ]{0,4}(?:is\b|:)[:*_]{0,4}", re.IGNORECASE)
_NUMBER_LINE = re.compile(r"[-+$€£\\]*[0-9][0-9.,/]*(?: ?\\?%| [A-Za-z]+)?")
# Where the sentence that states an answer goes on to something else.
_STATED_END = re.compile(r"\.(?=\s|$)|[,;]?\s(?:because|since|so|which|where|meaning)\b")
_BOX = re.compile(r"\\(?:boxed|fbox)(?:\s*(\{)|\s+([^\s{}$][^\n$]*))")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_STEP_TAG = "ки"  # ends every step of a Math-Shepherd solution
MAX_STATED_LENGTH = 200


def extract(text: str) -> str | None:
    """Return the final answer that a solution states, or None where it states none.

    The most specific kind of marker wins (see `_FINDERS`), and within a kind the last one that
    has an answer: an empty answer is none.
    """
    text = text.replace("\r\n", "\n")
    for find in _FINDERS:
        answer = find(text)
        if answer:
            return answer
    return None


def last_boxed(text: str) -> str | None:
    r"""Return what is in the last non-empty `\boxed{…}`, `\fbox{…}` or `\boxed x`, or None.

    Braces are matched, escaped ones not counted; a box that never closes is no box.
    """
    closing = _closing_braces(text)
    for box in reversed(list(_BOX.finditer(text))):
        if box[1]:
            end = closing.get(box.start(1))
            content = text[box.end(1) : end] if end is not None else ""
        elif text[box.end() : box.end() + 1] == "$":
            content = box[2]
        else:
            content = box[2].split()[0].rstrip(".")
        if content.strip():
            return content.strip()
    return None


def gold_from_gsm8k(text: str) -> str | None:
    """Return the number after the first `####`, commas removed, as grade-school-math reads it."""
    found = _GSM8K_GOLD.search(text)
    return found[1].replace(",", "") if found else None


def _closing_braces(text: str) -> dict[int, int]:
    closing = {}
    open_at = []
    for token in _BRACE.finditer(text):
        if token[0] == "{":
            open_at.append(token.start())
        elif token[0] == "}" and open_at:
            closing[open_at.pop()] = token.start()
    return closing


def _prm800k_block(text: str) -> str | None:
    for header in reversed(list(_PRM800K.finditer(text))):
        if answer := _tidy(text[header.end() :]):
            return answer
    return None


def _hashes_line(text: str) -> str | None:
    # A line of four hashes is also a Markdown heading; a heading is not the last line.
    end = len(text.rstrip())
    for line in reversed(list(_HASHES.finditer(text))):
        if _NUMBER_LINE.fullmatch(line[1].strip()) or line.end() >= end:
            return _tidy(line[1])
    return None


def _a_line(text: str) -> str | None:
    found = _A_LINE.fullmatch(text.rstrip().rpartition("\n")[2])
    return _tidy(found[1]) if found else None


def _answer_is_colon(text: str) -> str | None:
    return _stated(text, _ANSWER_IS_COLON)


def _prose(text: str) -> str | None:
    return _stated(text, _PROSE)


def _stated(text: str, marker: re.Pattern[str]) -> str | None:
    """The last answer stated after `marker`; one with a digit or LaTeX before one in words."""
    in_words = None
    end = len(text)
    for found in reversed(list(marker.finditer(text))):
        lines = text[found.end() : end].lstrip("*_ \t\n").partition("\n")
        end = found.start()
        sentence = _STATED_END.split(lines[0], maxsplit=1)[0]
        answer = _tidy(sentence)
        if not answer or len(answer) > MAX_STATED_LENGTH:
            continue
        if re.search(r"[0-9\\]", answer):
            return answer
        in_words = in_words or answer
    return in_words


def _tidy(answer: str) -> str:
    """The answer without step tag, emphasis, box, math delimiters and final period."""
    answer = answer.strip().removesuffix(_STEP_TAG)
    answer = last_boxed(answer) or answer
    answer = answer.strip("* \t\n").rstrip(".").strip("* \t\n")
    for start, end in (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]")):
        inner = answer.removeprefix(start).removesuffix(end)
        if len(answer) - len(inner) == len(start) + len(end) and "$" not in inner:
            return inner.strip().rstrip(".").strip()
    return answer


_FINDERS: tuple[Callable[[str], str | None], ...] = (
    _prm800k_block,
    _hashes_line,
    _a_line,
    _answer_is_colon,
    last_boxed,
    _prose,
)

# --- Telling whether two answers are equal ----------------------------------------------------

_MONEY = re.compile(r"\\?[$€£] ?|\\!")
_NUMBER = re.compile(r"[-+]?(?=[0-9.])(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]*)(?:\.[0-9]+)?")
_BARE_DOLLAR = re.compile(r"(?<!\\)\$")
_MIXED_NUMBER = re.compile(r"\b([0-9]+) ([0-9]+)/([0-9]+)\b")
_WORDS = re.compile(r"[A-Za-z]{4,}|[A-Za-z]+(?: [A-Za-z]+)+")


def equal(given: str | None, reference: str, *, limit_s: float = LIMIT_S) -> bool:
    """Whether `given` answers what `reference` does; False when it takes over `limit_s` seconds."""
    return grade([(given, reference)], limit_s=limit_s)[0] is True


def grade(
    pairs: Sequence[tuple[str | None, str | None]], *, limit_s: float = LIMIT_S
) -> list[bool | None]:
    """Tell of each (given, reference) whether they are equal, in the order of `pairs`.

    None: there is no reference, so nobody can tell. False: no answer given, another answer, or a
    comparison that took over `limit_s` seconds or too much memory. Raises RuntimeError when no
    worker can be started.
    """
    verdicts: dict[tuple[str | None, str | None], bool | None] = {}
    to_ask: dict[tuple[str | None, str | None], tuple[str, str]] = {}
    for pair in dict.fromkeys(pairs):
        given, reference = (_tidy(answer or "") for answer in pair)
        if not reference:
            verdicts[pair] = None
        elif not given:
            verdicts[pair] = False
        else:
            verdicts[pair] = _equal_at_sight(given, reference)
            if verdicts[pair] is None:
                to_ask[pair] = (_for_math_verify(reference), _for_math_verify(given))
    if to_ask:
        answers = workers().equal(list(to_ask.values()), limit_s)
        verdicts.update(zip(to_ask, answers, strict=True))
    return [verdicts[pair] for pair in pairs]


def _equal_at_sight(given: str, reference: str) -> bool | None:
    """What text and plain numbers tell, exactly; None when math-verify must be asked."""
    if given == reference:
        return True
    if _is_too_much(given) or _is_too_much(reference):
        return False
    given_words, reference_words = _words(given), _words(reference)
    if given_words and reference_words:
        # math-verify reads a word as a product of letters: "listen" would equal "silent".
        return given_words == reference_words
    given, given_unit = split_unit(given)
    reference, reference_unit = split_unit(reference)
    if at_odds(given_unit, reference_unit):
        # math-verify would drop them: 12 hours would equal 12 minutes.
        return False
    given_number, reference_number = _number(given), _number(reference)
    if given_number is None or reference_number is None:
        return None
    return given_number == reference_number


def _is_too_much(answer: str) -> bool:
    if len(answer) > MAX_LENGTH:
        return True
    depth = deepest = 0
    for char in answer:
        depth += (char in "([{") - (char in ")]}")
        deepest = max(deepest, depth)
    return deepest > MAX_DEPTH


def _words(answer: str) -> str | None:
    """The answer in lower case when it is a word or several, rather than letters that multiply."""
    unwrapped = TEXT_COMMAND.sub(r"\1", answer).strip()
    if unwrapped != answer and unwrapped.replace(" ", "").isalpha():
        return unwrapped.casefold()
    return unwrapped.casefold() if _WORDS.fullmatch(unwrapped) else None


def _number(answer: str) -> Fraction | None:
    """The answer as a plain number, None when it is no such thing."""
    bare = _MONEY.sub("", answer.replace("−", "-").replace("{,}", ","))
    if not _NUMBER.fullmatch(bare) or not any(char.isdigit() for char in bare):
        return None
    return Fraction(bare.replace(",", ""))


def _for_math_verify(answer: str) -> str:
    """The answer as it can stand between two `$`, mixed numbers spelt so that they are one."""
    one_line = " ".join(_BARE_DOLLAR.sub("", answer).split())
    return _MIXED_NUMBER.sub(r"\1\\frac{\2}{\3}", one_line)
