"""Reads one field of a JSON object, or raises BadRecord naming it.

`where` is the path to the object that holds the field; it is joined only when something is wrong.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from datasets_app.records import BadRecord

Where = Sequence[str | int]

# The longest texts that the tables keep.
EXTERNAL_ID_LENGTH = 500
LEVEL_LENGTH = 50
MODEL_LENGTH = 500
PROMPT_LENGTH = 100
SOURCE_LENGTH = 200
SPLIT_LENGTH = 100
SUBJECT_LENGTH = 200

_JSON_NAMES: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}


def path(*parts: str | int) -> str:
    return ".".join(map(str, parts))


def json_name(value: Any) -> str:
    """Return what a person calls this kind of JSON value, with its article."""
    return _JSON_NAMES[type(value)]


def wrong(parent: Mapping[str, Any], key: str, where: Where, wanted: str) -> BadRecord:
    """Return the error of a field that is missing or is not what is wanted there."""
    if key not in parent:
        return BadRecord(path(*where, key), "is missing")
    found = parent[key]
    shown = f" {found}" if type(found) in (int, float) else ""
    return BadRecord(path(*where, key), f"must be {wanted}, not {json_name(found)}{shown}")


def text(parent: Mapping[str, Any], key: str, where: Where = ()) -> str:
    """Return a text that has more than white space in it."""
    value = any_text(parent, key, where)
    if not value or value.isspace():
        raise BadRecord(path(*where, key), "is blank")
    return value


def any_text(parent: Mapping[str, Any], key: str, where: Where = ()) -> str:
    value = parent.get(key)
    if type(value) is not str:
        raise wrong(parent, key, where, "text")
    return value


def optional_text(parent: Mapping[str, Any], key: str, where: Where = ()) -> str | None:
    value = parent.get(key)
    if value is None or type(value) is str:
        return value
    raise wrong(parent, key, where, "text or null")


def short_text(parent: Mapping[str, Any], key: str, limit: int) -> str:
    """Return a text of at most `limit` characters, empty where the field is missing or null."""
    value = optional_text(parent, key) or ""
    if len(value) > limit:
        raise BadRecord(key, f"is longer than {limit} characters")
    return value


def optional_bool(parent: Mapping[str, Any], key: str, where: Where = ()) -> bool | None:
    value = parent.get(key)
    if value is None or type(value) is bool:
        return value
    raise wrong(parent, key, where, "true, false or null")


def optional_int(
    parent: Mapping[str, Any], key: str, where: Where, lowest: int, highest: int
) -> int | None:
    value = parent.get(key)
    if value is None or (type(value) is int and lowest <= value <= highest):
        return value
    raise wrong(parent, key, where, f"null or a whole number from {lowest} to {highest}")


def optional_float(parent: Mapping[str, Any], key: str, where: Where = ()) -> float | None:
    """Return a number as a float, -0.0 as 0.0; a whole number that no float equals is refused."""
    value = parent.get(key)
    if value is None:
        return None
    if type(value) is float or (type(value) is int and float(value) == value):
        return value + 0.0
    raise wrong(parent, key, where, "a number or null")


def child(parent: Mapping[str, Any], key: str, where: Where = ()) -> dict[str, Any]:
    value = parent.get(key)
    if type(value) is not dict:
        raise wrong(parent, key, where, "an object")
    return value


def children(parent: Mapping[str, Any], key: str, where: Where = ()) -> list[Any]:
    value = parent.get(key)
    if type(value) is not list:
        raise wrong(parent, key, where, "a list")
    return value


def texts(parent: Mapping[str, Any], key: str, where: Where = ()) -> tuple[str, ...]:
    """Return a list of texts; the list and any text in it may be empty."""
    values = children(parent, key, where)
    for index, value in enumerate(values):
        if type(value) is not str:
            raise BadRecord(path(*where, key, index), f"must be text, not {json_name(value)}")
    return tuple(values)


def steps(parent: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a solution's `steps`: at least one, none of them blank."""
    found = texts(parent, "steps")
    if not found:
        raise BadRecord("steps", "is empty")
    for index, step in enumerate(found):
        if not step.strip():
            raise BadRecord(path("steps", index), "is blank")
    return found


def level(parent: Mapping[str, Any]) -> str:
    """Return a problem's `level`: 2 and "Level 2" are "2", "Level ?" and null are unknown ("")."""
    if type(parent.get("level")) is int:
        return str(parent["level"])
    found = short_text(parent, "level", LEVEL_LENGTH).removeprefix("Level ").strip()
    return "" if found == "?" else found


def metadata(parent: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """Return what is in `metadata`, if anything, and every field that is not `known`."""
    kept = {} if parent.get("metadata") is None else dict(child(parent, "metadata"))
    return kept | {key: value for key, value in parent.items() if key not in {*known, "metadata"}}
