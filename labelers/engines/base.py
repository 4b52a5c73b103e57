"""The engine family: text in, text out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How text is drawn. `temperature` 0 is greedy decoding."""

    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 512
    stop: tuple[str, ...] = ()
    """Drawing ends before the first of these; the stop string itself is not returned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """One text to draw."""

    prompt: str
    seed: int
    prefix: str = ""
    """Text that the model is made to have written already; the completion continues it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One drawn text, without the prompt and the prefix."""

    text: str
    prompt_text: str
    """The exact text that the model was given, template and prefix included."""
    prompt_tokens: int
    completion_tokens: int
    finish_reason: Literal["stop", "length"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawFailure:
    """A draw that came to nothing, and why, in words for the person who runs it."""

    reason: str
    transient: bool
    """Whether the same draw may succeed later (a busy or unreachable server)."""


class Engine(ABC):
    """Draws texts from one model. Constructed with keyword arguments, `model` first."""

    name: ClassVar[str]
    needs_own_worker: ClassVar[bool] = False
    """True when the model lives in the process: its work has a queue and a process of its own."""
    batch_size: int = 8
    """How many draws one call is best given."""

    @abstractmethod
    def generate(
        self, draws: Sequence[Draw], decoding: Decoding
    ) -> list[Completion | DrawFailure]:
        """Draw one text for each of `draws`, in their order; one bad draw spoils no other."""
