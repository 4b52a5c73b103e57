"""How often each key came in one import, however long: counted in PostgreSQL, not in memory."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from django.db.backends.utils import CursorWrapper


class Counting(ABC):
    """Counts keys over the batches of one import.

    What is counted in a transaction that is rolled back was not counted.
    """

    def number(self, cursor: CursorWrapper, keys: Sequence[UUID]) -> list[int]:
        """Return for each of `keys`, in order, the how-manieth of its kind it is, from 1."""
        here = Counter(keys)
        counts = self.add(cursor, here)
        before = {key: count - here[key] for key, count in counts.items()}
        numbers = []
        for key in keys:
            before[key] += 1
            numbers.append(before[key])
        return numbers

    @abstractmethod
    def add(self, cursor: CursorWrapper, here: Counter[UUID]) -> dict[UUID, int]:
        """Count what came `here`; return how often each of it has come by now."""


class Occurrences(Counting):
    """Counts in a temporary table of this connection."""

    def __init__(self, cursor: CursorWrapper):
        cursor.execute("DROP TABLE IF EXISTS pg_temp.import_occurrences")
        cursor.execute(
            "CREATE TEMPORARY TABLE import_occurrences (key uuid PRIMARY KEY, count int NOT NULL)"
        )

    def add(self, cursor: CursorWrapper, here: Counter[UUID]) -> dict[UUID, int]:
        cursor.execute(
            """
            INSERT INTO import_occurrences AS counted
            SELECT * FROM unnest(%s::uuid[], %s::int[])
            ON CONFLICT (key) DO UPDATE SET count = counted.count + excluded.count
            RETURNING key, count
            """,
            [list(here), list(here.values())],
        )
        return dict(cursor.fetchall())
