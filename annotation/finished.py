"""A labeler's finished work on one solution, as `keeping` writes it."""

from collections.abc import Sequence
from dataclasses import dataclass

from labelers.trace import Rating


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedPosition:
    """What the labeler did at one position: one row of Position."""

    position: int
    chosen: int | None = None
    """The id of the step that the solution goes on with."""
    human: str | None = None
    """The text of a step that the labeler wrote, which is kept as a Step of its own."""
    listed: bool = True
    """Whether any candidates were shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedLabel:
    """One mark: one row of StepLabel. Nothing is said of a step that has none."""

    step: int
    rating: Rating | None
    """None: shown and not rated."""
    flagged: bool | None = None
    """None: no control for it was offered."""
    comment: str = ""
    shown_order: int | None = None
    """Place among the candidates of its position, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """All of it: the positions in order, from 0, and the marks on their candidates."""

    finish_reason: str
    positions: Sequence[FinishedPosition] = ()
    labels: Sequence[FinishedLabel] = ()


class Unfinished(ValueError):
    """The draft is not yet what can be submitted: `field` of it says where, the message why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
