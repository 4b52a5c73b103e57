"""Names that strangers made up, in an answer to them."""

MOST_CHARACTERS = 100


def printable(name: str) -> str:
    """Return the name to answer with: JSON may hold half a character, and no end of them."""
    return name[:MOST_CHARACTERS].encode(errors="backslashreplace").decode()
