"""The one lookup of the four pluggable families."""

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


class UnknownName(ValueError):
    """A name that the registry does not hold; the message lists those it does."""


def lookup(family: str, registry: Mapping[str, T], name: str) -> T:
    """Return `registry[name]`, or raise UnknownName listing the known names."""
    try:
        return registry[name]
    except KeyError:
        known = ", ".join(sorted(registry))
        raise UnknownName(f"no {family} is named {name!r}; known: {known}") from None
