"""The engine family: text in, text out."""

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, Literal

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How text is drawn. `temperature` 0 is greedy decoding.

    Raises ValueError, naming the field, for a value that no engine can follow.
    """

    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 512
    stop: tuple[str, ...] = ()
    """Drawing ends before the first of these; the stop string itself is not returned."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise ValueError(f"temperature must be 0 or more, not {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be above 0 and at most 1, not {self.top_p}")
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens must be 1 or more, not {self.max_tokens}")
        if isinstance(self.stop, str) or not all(self.stop):
            raise ValueError(f"stop must be a tuple of texts that are not empty, not {self.stop!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """One text to draw."""

    prompt: str
    seed: int
    prefix: str = ""
    """Text that the model is made to have written already; the completion continues it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One drawn text, without the prompt and the prefix.

    `text` is empty when the model had nothing to say. It holds no NUL and no lone surrogate
    (see `storable`).
    """

    text: str
    prompt_text: str
    """The exact text that the model was given, template and prefix included. A chat server
    applies a template that it does not show: there it is the prompt, then the prefix."""
    prompt_tokens: int
    """Counted by the model's own tokenizer; 0 where a server does not say."""
    completion_tokens: int
    """As drawn, the end-of-text token and a stop string included; 0 where a server does not say."""
    finish_reason: FinishReason


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawFailure:
    """A draw that came to nothing, and why, in words for the person who runs it."""

    reason: str
    transient: bool
    """Whether the same draw may succeed later (a busy or unreachable server)."""
    retry_after_s: float | None = None
    """Set where a rate limit refused it: the seconds to wait, 0 where the server does not say."""
    stops_run: bool = False
    """Whether every other draw fails like this until somebody sees to it, as with a spent quota."""


class MissingExtra(ImportError):
    """A model needs packages that are not installed; the message says how to install them."""


@contextmanager
def local_extra(needed_by: str) -> Iterator[None]:
    """Prepare for an import of torch and transformers; raises MissingExtra without them."""
    # torch's threads meet hundreds of times a token. Where other programs want the cores too,
    # one that spins while it waits keeps the core from the one it waits for: measured on two
    # busy cores, 2 to 7 tokens a second against 18 to 20. Read when torch is first imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"{needed_by} needs {error.name}: pip install 'stepmark[local]'"
        ) from error


class Engine(ABC):
    """Draws texts from one model. Constructed with keyword arguments, `model` first.

    Heavy packages are imported by the constructor: naming an engine costs nothing.
    """

    name: ClassVar[str]
    needs_own_worker: ClassVar[bool] = False
    """True when the model lives in the process: its work has a queue and a process of its own."""
    batch_size: int = 8
    """How many draws one call is best given."""

    @abstractmethod
    def generate(self, draws: Sequence[Draw], decoding: Decoding) -> list[Completion | DrawFailure]:
        """Draw one text for each of `draws`, in their order; one bad draw spoils no other."""


def before_stop(text: str, stop: Sequence[str]) -> str:
    """Return `text` up to the earliest of the stop strings in it, or the whole of it."""
    found = [index for index in (text.find(string) for string in stop) if index >= 0]
    return text[: min(found)] if found else text


def storable(text: str) -> str:
    """Return `text` with U+FFFD for what PostgreSQL cannot store: NUL and lone surrogates."""
    return "".join(
        "\ufffd" if character == "\0" or "\ud800" <= character <= "\udfff" else character
        for character in text
    )
