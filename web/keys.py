"""The keys of the labelling page: the defaults, and what a user has made of them.

A key is named as browsers name it in `KeyboardEvent.key`: a single character, or one of `NAMED`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

DEFAULT_KEYS: dict[str, tuple[str, ...]] = {
    "great": ("1", "g"),
    "okay": ("2", "o"),
    "bad": ("3", "b"),
    "unsure": ("?", "u"),
    "up": ("ArrowUp", "k"),
    "down": ("ArrowDown", "j"),
    "submit": ("Enter",),
    "skip": ("s",),
    "undo": ("z",),
    "guidelines": ("h",),
}
NAMED = ("Enter", "ArrowUp", "ArrowDown")
MOST_KEYS = 2
"""How many keys an action may have."""


class HasKeys(Protocol):
    """A user, as far as keys go: `keys` are those that differ from the defaults, by action."""

    keys: dict[str, list[str]]


def keys_of(user: HasKeys) -> dict[str, tuple[str, ...]]:
    """Return the keys of each action for `user`: one or two, the first one first."""
    return {
        action: tuple(user.keys.get(action, default)) for action, default in DEFAULT_KEYS.items()
    }


def read_key(text: str) -> str | None:
    """Return the name of the key that `text` means, or None where it means none.

    Capital letters are those of the keyboard, not of Shift: "G" is the key "g".
    """
    named = {name.lower(): name for name in NAMED}.get(text.lower())
    if named:
        return named
    lower = text.lower()
    return lower if len(lower) == 1 and lower.isprintable() and not lower.isspace() else None


def used_twice(keys: Iterable[str]) -> set[str]:
    """Return those that stand more than once in `keys`."""
    return {key for key, times in Counter(keys).items() if times > 1}


def changed(keys: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return what of `keys` differs from the defaults, as `User.keys` keeps it."""
    return {
        action: list(chosen)
        for action, chosen in keys.items()
        if tuple(chosen) != DEFAULT_KEYS[action]
    }
