"""How deep JSON is nested: what goes on with it recurses, and Python gives up at a thousand."""

from typing import Any

MAX_DEPTH = 100


def is_too_deep(value: Any) -> bool:
    """Tell whether a JSON value is nested deeper than MAX_DEPTH lists and objects."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
