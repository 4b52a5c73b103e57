"""The exporter family: marked solutions in, rows of a training format out."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import orjson

from datasets_app.marked import Json, MarkedSolution

if TYPE_CHECKING:
    import pyarrow as pa

Neutral = Literal["keep", "positive", "negative", "drop"]
Alternatives = Literal["keep", "none", "rows"]
Labels = Literal["hard", "soft"]


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
    labels: Labels = "hard"
    """Whether a label says which of two a step is, or how right it is, from 0 to 1 (soft)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a training format, and what it was made of."""

    value: Json
    """The fields of the format, in their order."""
    solution: MarkedSolution
    steps: Sequence[str] = ()
    """Ids of the steps (`Mark.id`) that its labels are about, in the order of the labels; where
    a step is one of `also`, its solution's id and a slash stand before it."""
    also: Sequence[MarkedSolution] = ()
    """Other solutions of the problem that the row was made of."""

    def origin(self) -> Json:
        """Return where the row comes from, as `ORIGIN` names it."""
        one = self.solution
        return {
            "solution_id": one.id,
            "step_ids": [step if "/" in step else f"{one.id}/{step}" for step in self.steps],
            "labeler_kind": one.labeler_kind,
            "rule": one.rule,
            "weight": one.weight + sum(other.weight for other in self.also if other.id == one.id),
        }


ORIGIN = ("solution_id", "step_ids", "labeler_kind", "rule", "weight")
"""Columns beside a format's own, for trainers to ignore, but for those that it has itself."""


class Exporter(ABC):
    """Turns marked solutions into rows. Constructed with the options, which it may refuse."""

    name: ClassVar[str]
    holds_origin: ClassVar[bool] = True
    """Whether the format's readers ignore `ORIGIN` columns; else these go into a file beside it."""
    json_columns: ClassVar[tuple[str, ...]] = ()
    """Columns of any JSON, which no typed column holds as it is: in Parquet, its text."""
    keeps_spelling: ClassVar[bool] = False
    """Whether rows may have keys that the format does not name, as imported ones had them."""
    defaults: ClassVar[ExportOptions]
    neutral_choices: ClassVar[tuple[Neutral, ...]] = get_args(Neutral)
    truncate_choices: ClassVar[tuple[bool, ...]] = (True, False)
    alternatives_choices: ClassVar[tuple[Alternatives, ...]] = get_args(Alternatives)
    labels_choices: ClassVar[tuple[Labels, ...]] = ("hard",)

    def __init__(self, options: ExportOptions | None = None):
        self.options = options or self.defaults
        self._check("neutral", self.options.neutral, self.neutral_choices)
        self._check("truncate", self.options.truncate, self.truncate_choices)
        self._check("alternatives", self.options.alternatives, self.alternatives_choices)
        self._check("labels", self.options.labels, self.labels_choices)
        if self.options.separator is not None and self.defaults.separator is None:
            raise OptionRefused(f"{self.name} cannot have separator: it keeps steps apart")

    def rows(self, of_problem: Sequence[MarkedSolution]) -> Iterator[Row]:
        """Yield the rows of one problem's solutions, which come in their order.

        The solutions may be changed and become part of the rows: the caller is done with them.
        """
        for solution in of_problem:
            yield from self.rows_of(solution)

    @abstractmethod
    def rows_of(self, solution: MarkedSolution) -> Iterator[Row]:
        """Yield the rows of one solution, none where it has nothing to teach."""

    @abstractmethod
    def schema(self) -> "pa.Schema":
        """Return the types of the format's own columns, for Parquet."""

    def typed(self, value: Json) -> Json:
        """Return a row's fields as `schema` types them, for Parquet."""
        if not self.json_columns:
            return value
        return value | {name: orjson.dumps(value[name]).decode() for name in self.json_columns}

    def _check(self, option: str, value: str | bool, choices: Sequence[str | bool]) -> None:
        if value not in choices:
            known = ", ".join(map(str, choices))
            raise OptionRefused(f"{self.name} cannot have {option} {value!r}; it can have: {known}")

    def rating(self, rating: int | None) -> int | None:
        """Return the rating that `neutral` makes of a rating."""
        return _NEUTRAL[self.options.neutral] if rating == 0 else rating


_NEUTRAL: dict[Neutral, int | None] = {"keep": 0, "positive": 1, "negative": -1, "drop": None}
