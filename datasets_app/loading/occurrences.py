"""How often each key came in one import, however long: counted in PostgreSQL, not in memory."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from django.db.backends.utils import CursorWrapper


class Occurrences:
    """Counts keys over the batches of one import, in a temporary table of this connection.

    What is counted in a transaction that is rolled back was not counted.
    """

    def __init__(self, cursor: CursorWrapper):
        cursor.execute("DROP TABLE IF EXISTS pg_temp.import_occurrences")
        cursor.execute(
            "CREATE TEMPORARY TABLE import_occurrences (key uuid PRIMARY KEY, count int NOT NULL)"
        )

    def number(self, cursor: CursorWrapper, keys: Sequence[UUID]) -> list[int]:
        """Return for each of `keys`, in order, the how-manieth of its kind it is, from 1."""
        here = Counter(keys)
        cursor.execute(
            """
            INSERT INTO import_occurrences AS counted
            SELECT * FROM unnest(%s::uuid[], %s::int[])
            ON CONFLICT (key) DO UPDATE SET count = counted.count + excluded.count
            RETURNING key, count
            """,
            [list(here), list(here.values())],
        )
        before = {key: count - here[key] for key, count in cursor.fetchall()}
        numbers = []
        for key in keys:
            before[key] += 1
            numbers.append(before[key])
        return numbers
