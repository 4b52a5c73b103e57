"""The exporter family: one annotation in, rows of a training format out."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

Json = dict[str, Any]
Neutral = Literal["keep", "positive", "negative", "drop"]
Alternatives = Literal["keep", "none", "rows"]


class OptionRefused(ValueError):
    """An option that this format cannot follow; the message lists what it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What every exporter must be told, because published formats disagree about it."""

    neutral: Neutral
    """What a rating of 0 becomes: itself, +1, -1, or "not rated" (drop)."""
    truncate: bool
    """Whether a solution ends with its first negative step."""
    alternatives: Alternatives
    """Candidates that the solution did not go on with: in their place (keep), left out (none),
    or each as a row of its own behind the steps that led to it (rows)."""
    separator: str | None = None
    """What the trainer puts between two steps, where the format has it do so; None is the usual."""


class Exporter(ABC):
    """Turns annotations into rows. Constructed with the options, which it may refuse."""

    name: ClassVar[str]
    defaults: ClassVar[ExportOptions]
    neutral_choices: ClassVar[tuple[Neutral, ...]] = get_args(Neutral)
    alternatives_choices: ClassVar[tuple[Alternatives, ...]] = get_args(Alternatives)

    def __init__(self, options: ExportOptions | None = None):
        self.options = options or self.defaults
        self._check("neutral", self.options.neutral, self.neutral_choices)
        self._check("alternatives", self.options.alternatives, self.alternatives_choices)
        if self.options.separator is not None and self.defaults.separator is None:
            raise OptionRefused(f"{self.name} cannot have separator: it keeps steps apart")

    @abstractmethod
    def rows(self, record: Json, shape: Json) -> Iterator[Json]:
        """Yield the rows of one annotation, none where it has nothing to teach.

        `record` is the annotation as a PRM800K record (docs/formats.md), whichever format is
        written, spelt the usual way; `shape` tells how it was spelt where it came from. The
        record may be changed and become part of the rows: the caller is done with it.
        """

    def _check(self, option: str, value: str, choices: tuple[str, ...]) -> None:
        if value not in choices:
            known = ", ".join(choices)
            raise OptionRefused(f"{self.name} cannot have {option} {value!r}; it can have: {known}")

    def rating(self, rating: int | None) -> int | None:
        """Return the rating that `neutral` makes of a rating."""
        return _NEUTRAL[self.options.neutral] if rating == 0 else rating


_NEUTRAL: dict[Neutral, int | None] = {"keep": 0, "positive": 1, "negative": -1, "drop": None}
