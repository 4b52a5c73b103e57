"""The number that a step begins with in some formats."""

import re

_NUMBER = re.compile(r"\s*[Ss]tep \d+:\s*")


def numbered(number: int, text: str) -> str:
    """Return `Step 1: …`; a number that the text has already is replaced."""
    return f"Step {number}: {without_number(text)}"


def without_number(text: str) -> str:
    found = _NUMBER.match(text)
    return text[found.end() :] if found else text
