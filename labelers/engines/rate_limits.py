"""Telling of a rate limit while the draws that met it still wait for another attempt."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Hear = Callable[[float], None]
"""Takes the seconds that the server asks to wait, 0 where it does not say; returns at once."""

_listener: ContextVar[Hear | None] = ContextVar("listener", default=None)


@contextmanager
def listening(hear: Hear) -> Iterator[None]:
    """Have `hear` called for each rate limit that an engine meets in this thread."""
    before = _listener.set(hear)
    try:
        yield
    finally:
        _listener.reset(before)


def tell(retry_after_s: float | None) -> None:
    """Tell whoever listens of a rate limit."""
    hear = _listener.get()
    if hear is not None:
        hear(retry_after_s or 0.0)
