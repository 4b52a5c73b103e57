"""An import of PRM800K records, against raw COPY of the rows it makes.

Both fill the same empty tables, with the same indexes and constraints.
"""

import time
from pathlib import Path
from typing import Any

from django.db import connection

from bench.scratch import TABLES, ChildRun, empty_tables, settle

LIMIT = 4.0
_CHUNK_BYTES = 1 << 20


def measure(imported: ChildRun, folder: Path) -> dict[str, Any]:
    """Compare `imported`, whose rows are in the tables, with copying these rows again."""
    files = [_copied_out(table, folder) for table in TABLES]
    empty_tables()
    settle()
    began = time.perf_counter()
    for table, file in zip(TABLES, files, strict=True):
        _copy_in(table, file)
    raw_seconds = time.perf_counter() - began
    return {
        "name": "import against raw COPY of the same rows",
        "unit": "s",
        "measured": round(imported.seconds, 2),
        "reference": round(raw_seconds, 2),
        "ratio": round(imported.seconds / raw_seconds, 3),
        "limit": LIMIT,
        "limit_kind": "at most",
    }


def _copied_out(table: str, folder: Path) -> Path:
    path = folder / f"{table}.copy"
    with path.open("wb") as file, connection.cursor() as cursor:
        statement = f"COPY (SELECT * FROM {table} ORDER BY id) TO STDOUT"
        with cursor.copy(statement) as copy:
            for chunk in copy:
                file.write(chunk)
    return path


def _copy_in(table: str, path: Path) -> None:
    with (
        path.open("rb") as file,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} FROM STDIN") as copy,
    ):
        while chunk := file.read(_CHUNK_BYTES):
            copy.write(chunk)
