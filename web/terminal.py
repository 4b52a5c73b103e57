"""Tables for the terminal."""

from io import StringIO

from rich.console import Console
from rich.table import Table


def as_text(table: Table, *, width: int = 100) -> str:
    """Return `table` drawn in plain characters, at most `width` columns wide."""
    drawn = StringIO()
    Console(file=drawn, width=width).print(table)
    return drawn.getvalue().rstrip()
