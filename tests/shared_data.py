"""Where the real records are that tests may read, and what to do where they are absent."""

import os
from pathlib import Path

import pytest

FOLDER = Path(
    os.environ.get(
        "STEPMARK_SHARED_DATA", Path(__file__).resolve().parents[1].parent / "shared" / "data"
    )
)


def shared_file(name: str) -> Path:
    """Return the path of a real data file, or skip the test, naming the file that is missing."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"real records are not here: {name} (set STEPMARK_SHARED_DATA to their folder)")
    return path
