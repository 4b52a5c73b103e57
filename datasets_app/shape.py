"""How an imported PRM800K record was spelt, as far as its values do not tell.

A shape maps the path of an object in the record (`record` itself, `question`, `label.steps.2`,
`label.steps.2.completions.0`, …) to what is unusual about its spelling; a usual record has the
shape `{}`. The usual way:

- every key of the format is there and none besides; a record without any `pre_generated_…` key
  (phase 1) has no `ground_truth_solution` either;
- the person's own step has `"source": "human"`;
- the timestamp has six digits of a second's fraction.

What can be unusual:

- `absent`: keys that the object lacks;
- `null`: keys that are null although the value cannot tell, either because it has no None
  (`is_quality_control_question`, `pre_generated_steps`) or because it may come from another
  record of the same problem (the ground truths);
- `given`: `["ground_truth_solution"]` where a phase-1 record has one;
- `other`: keys that the format does not have, and an unusual `source`, with their values;
- `fraction`: the digits of the timestamp's fraction, empty where it has none.

A record that lost candidates or positions on its way no longer fits its paths: give it an empty
shape.
"""

from collections.abc import Mapping
from typing import Any, cast

from datasets_app import fields
from datasets_app.fields import Where

Shape = dict[str, dict[str, Any]]


def spelling(shape: Shape, where: Where) -> dict[str, Any]:
    """Return what is noted of the object at `where`, to be added to."""
    return shape.setdefault(fields.path(*where) or "record", {})


def note(shape: Shape, where: Where, kind: str, key: str) -> None:
    """Note that `key` of the object at `where` is absent, null or given."""
    spelling(shape, where).setdefault(kind, []).append(key)


def note_keys(
    shape: Shape,
    where: Where,
    value: Mapping[str, Any],
    known: frozenset[str],
    aside: frozenset[str] = frozenset(),
) -> None:
    """Note the keys that are absent, and those unknown with their values, but for keys `aside`."""
    for key in sorted(known - value.keys()):
        note(shape, where, "absent", key)
    other = {key: child for key, child in value.items() if key not in known | aside}
    if other:
        spelling(shape, where)["other"] = other


def respell(value: dict[str, Any], shape: Mapping[str, Any]) -> None:
    """Change a record that is spelt the usual way to the way that `shape` tells."""
    for where, unusual in shape.items():
        found = _find(value, where)
        found.update(dict.fromkeys(unusual.get("null", ())))
        found.update(unusual.get("other", {}))
        for key in unusual.get("absent", ()):
            del found[key]
        if "fraction" in unusual:
            found["timestamp"] = _respelt_timestamp(found["timestamp"], unusual["fraction"])


def _respelt_timestamp(timestamp: str, fraction: str) -> str:
    """The timestamp, which ends in six digits, with other digits for the same fraction."""
    seconds, _, digits = timestamp.partition(".")
    if fraction[:6].ljust(6, "0") != digits:
        return timestamp
    return f"{seconds}.{fraction}" if fraction else seconds


def _find(value: dict[str, Any], where: str) -> dict[str, Any]:
    found: Any = value
    if where != "record":
        for part in where.split("."):
            found = found[int(part) if isinstance(found, list) else part]
    return cast(dict[str, Any], found)
