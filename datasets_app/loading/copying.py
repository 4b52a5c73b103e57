"""Rows into tables by COPY, with ids taken beforehand."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import connection, models
from django.db.backends.utils import CursorWrapper

Row = Sequence[Any]


def reserve_ids(cursor: CursorWrapper, model: type[models.Model], count: int) -> Iterator[int]:
    """Take `count` ids from the table's sequence, ascending: nobody else is given them."""
    cursor.execute(
        "SELECT array_agg(nextval(pg_get_serial_sequence(%s, 'id'))) FROM generate_series(1, %s)",
        [model._meta.db_table, count],
    )
    return iter(cursor.fetchone()[0] or ())


def copy_rows(
    cursor: CursorWrapper, model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]
) -> None:
    """Add `rows` to the model's table; `columns` are database columns, all others get defaults.

    Raises IntegrityError where a row breaks a constraint that is checked at once. JSON goes in
    as text.
    """
    names = ", ".join(f'"{column}"' for column in columns)
    statement = f'COPY "{model._meta.db_table}" ({names}) FROM STDIN'
    with connection.wrap_database_errors, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
