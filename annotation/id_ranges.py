"""Rows in the order of their ids, cut into ranges: a plan as short as its batches are few."""

from typing import Any

from django.db import connection
from django.db.models import QuerySet


def id_ranges(rows: QuerySet[Any], size: int) -> list[tuple[int, int]]:
    """Return the first and the last id of every `size` of `rows`, the last batch maybe smaller."""
    chosen, parameters = rows.order_by().values("pk").query.sql_with_params()
    statement = f"""
        SELECT min(id), max(id) FROM (
            SELECT id, (row_number() OVER (ORDER BY id) - 1) / %s AS batch
            FROM ({chosen}) AS chosen (id)
        ) AS numbered
        GROUP BY batch ORDER BY batch
    """  # noqa: S608 - Django's own statement
    with connection.cursor() as cursor:
        cursor.execute(statement, [size, *parameters])
        return [(first, last) for first, last in cursor.fetchall()]
