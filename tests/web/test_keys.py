from types import SimpleNamespace

import pytest

from web.keys import DEFAULT_KEYS, changed, keys_of, read_key, used_twice


def user(**keys: list[str]) -> SimpleNamespace:
    return SimpleNamespace(keys=keys)


def test_the_defaults_use_no_key_twice() -> None:
    assert used_twice(key for keys in DEFAULT_KEYS.values() for key in keys) == set()


def test_a_user_who_changed_nothing_has_the_defaults() -> None:
    assert keys_of(user()) == DEFAULT_KEYS


def test_what_a_user_changed_takes_the_place_of_the_default() -> None:
    keys = keys_of(user(great=["x"], submit=["Enter", "q"]))
    assert keys == {**DEFAULT_KEYS, "great": ("x",), "submit": ("Enter", "q")}


def test_an_action_that_is_gone_is_left_out() -> None:
    assert keys_of(user(dance=["x"])) == DEFAULT_KEYS


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("g", "g"),
        ("G", "g"),
        ("?", "?"),
        ("あ", "あ"),
        ("Enter", "Enter"),
        ("arrowup", "ArrowUp"),
        ("", None),
        (" ", None),
        ("\t", None),
        ("\x00", None),
        ("Escape", None),
        ("gg", None),
        ("İ", None),
    ],
)
def test_a_key_is_a_character_or_one_that_has_a_name(typed: str, key: str | None) -> None:
    assert read_key(typed) == key


def test_only_what_differs_is_kept() -> None:
    assert changed(DEFAULT_KEYS) == {}
    assert changed({**DEFAULT_KEYS, "skip": ("s", "x")}) == {"skip": ["s", "x"]}
    assert changed({**DEFAULT_KEYS, "great": ("g", "1")}) == {"great": ["g", "1"]}
