"""Rows in the order of their ids, cut into ranges: a plan as short as its batches are few."""

from itertools import pairwise
from typing import Any

from django.db import connection
from django.db.models import QuerySet


def id_ranges(rows: QuerySet[Any], size: int) -> list[tuple[int, int]]:
    """Return ranges of ids, first and last included, that hold `size` of `rows` each, or fewer.

    Goes through the ids once, in an index where `rows` are those of one project.
    """
    chosen, parameters = rows.order_by().values("pk").query.sql_with_params()
    statement = f"""
        WITH RECURSIVE begun (id) AS (
            (SELECT id FROM ({chosen}) AS chosen (id) ORDER BY id LIMIT 1)
            UNION ALL
            SELECT (
                SELECT id FROM ({chosen}) AS chosen (id) WHERE id > begun.id
                ORDER BY id OFFSET %s - 1 LIMIT 1
            )
            FROM begun WHERE begun.id IS NOT NULL
        )
        SELECT id FROM begun WHERE id IS NOT NULL
        UNION ALL
        (SELECT id + 1 FROM ({chosen}) AS chosen (id) ORDER BY id DESC LIMIT 1)
    """  # noqa: S608 - Django's own statement
    with connection.cursor() as cursor:
        cursor.execute(statement, [*parameters, *parameters, size, *parameters])
        starts = [start for (start,) in cursor.fetchall()]
    return [(first, after - 1) for first, after in pairwise(starts)]
