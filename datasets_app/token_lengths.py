"""How long the rows of a version are for a trainer, and what its longest row would lose.

Counted as TRL's PRM trainer reads `trl-stepwise` (docs/formats.md): the prompt, then each step with
the separator behind it, on whose last token the label stands; what is past `max_length` vanishes.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice

from datasets_app.exporters.base import ExportOptions, Row
from datasets_app.exporters.trl_stepwise import SEPARATOR, TrlStepwiseExporter
from datasets_app.marked import Json, MarkedSolution

Count = Callable[[Sequence[str]], Sequence[int]]
"""Says of how many tokens each text is."""
MAX_LENGTH = 1024
"""Of TRL's PRM trainer, unless it is told another one."""
BIN = 64
"""Tokens that are counted together in a plot."""
AT_ONCE = 200


class NoTokenizer(ValueError):
    """A name stands for no tokenizer here; the message says why."""


def tokenizer_named(name: str) -> tuple[Count, int]:
    """Return what counts tokens, and how many stand before every text.

    `name` is a folder, or a name on the Hugging Face hub; code that comes with it is never run.
    Raises NoTokenizer.
    """
    try:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
    except (ImportError, OSError, ValueError) as error:
        raise NoTokenizer(f"no tokenizer {name!r}: {error}") from None

    def count(texts: Sequence[str]) -> list[int]:
        found = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return [len(ids) for ids in found]

    return count, int(tokenizer.bos_token_id is not None)


@dataclass(slots=True, kw_only=True)
class TokenLengths:
    max_length: int
    rows: int = 0
    too_long: int = 0
    labels: int = 0
    lost: int = 0
    """Labels that stand past `max_length`."""
    longest: int = 0
    tokens: int = 0
    lengths: Counter[str] = field(default_factory=Counter)
    """Rows by length, in groups of `BIN` tokens, by the first of each."""

    def add(self, ends: Sequence[int]) -> None:
        """Count one row: the number of tokens up to each of its labels."""
        length = ends[-1]
        self.rows += 1
        self.labels += len(ends)
        self.too_long += length > self.max_length
        self.lost += sum(end > self.max_length for end in ends)
        self.longest = max(self.longest, length)
        self.tokens += length
        self.lengths[str(length // BIN * BIN)] += 1

    def as_json(self) -> Json:
        lengths = sorted(self.lengths.items(), key=lambda entry: int(entry[0]))
        return {
            **{name: getattr(self, name) for name in self.__slots__ if name != "lengths"},
            "lengths": dict(lengths),
        }


def measure(
    solutions: Iterable[MarkedSolution],
    count: Count,
    *,
    max_length: int,
    starts_with: int = 0,
    options: ExportOptions | None = None,
) -> TokenLengths:
    """Return the lengths of the rows that `trl-stepwise` makes of `solutions`.

    `starts_with` is the number of tokens that the tokenizer puts before every prompt; `options`
    are those that are usual for the format unless given.
    """
    found = TokenLengths(max_length=max_length)
    exporter = TrlStepwiseExporter(options)
    rows = (row for solution in solutions for row in exporter.rows([solution]))
    between = exporter.options.separator
    separator = count([SEPARATOR if between is None else between])[0]
    while batch := list(islice(rows, AT_ONCE)):
        for ends in _ends(batch, count, separator, starts_with):
            found.add(ends)
    return found


def _ends(
    rows: Sequence[Row], count: Count, separator: int, starts_with: int
) -> Iterable[list[int]]:
    texts = [text for row in rows for text in (row.value["prompt"], *row.value["completions"])]
    lengths = iter(count(texts))
    for row in rows:
        before = starts_with + next(lengths)
        steps = [next(lengths) + separator for _ in row.value["completions"]]
        yield list(accumulate(steps, initial=before))[1:]
