"""Whole sets over HTTP, one JSON object a line, put together and sent by PostgreSQL alone.

Memory is flat: the lines go from one streamed COPY to the client as they are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

MEDIA_TYPE = "application/x-ndjson"
CHUNK_BYTES = 64 * 1024


class NdjsonRenderer(JSONRenderer):
    """Says in `renderer_classes` that a view streams; the view does it (`wants_stream`)."""

    media_type = MEDIA_TYPE
    format = "ndjson"


def wants_stream(request: Request) -> bool:
    return isinstance(request.accepted_renderer, NdjsonRenderer)


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonRows:
    """How PostgreSQL writes each row of a table as a JSON object."""

    table: str
    """It is `row` in `columns` and `joins`."""
    columns: Mapping[str, str]
    """Names in the object, and the SQL of each value."""
    joins: str = ""
    key: str = "id"
    """The column that rows are chosen by; `QuerySet.values_list(key)` gives it too."""

    def without(self, *names: str) -> "JsonRows":
        """Return the same with null for `names`."""
        unknown = set(names) - set(self.columns)
        assert not unknown, unknown
        return replace(self, columns={**self.columns, **dict.fromkeys(names, "NULL")})

    def read(self, keys: Sequence[int]) -> list[bytes]:
        """Return the rows with `keys` as JSON, in their order; one that is gone is left out."""
        return [line for _, line in self.keyed(keys)]

    def keyed(self, keys: Sequence[int]) -> list[tuple[int, bytes]]:
        """Return the rows with `keys` as `read` does, each with its key."""
        chosen = "SELECT * FROM unnest(%s::bigint[]) WITH ORDINALITY"
        statement = self._statement(chosen, ["place"], "chosen.key, one.line::text")
        with connection.cursor() as cursor:
            cursor.execute(statement, [list(keys)])
            return [(key, line.encode()) for key, line in cursor.fetchall()]

    def stream(self, rows: QuerySet[Any], order: Sequence[str] = ("pk",)) -> Iterator[bytes]:
        """Yield `rows` as lines, in `order`, some at a time; all are of one moment."""
        chosen, parameters = _chosen(rows, self.key, *order)
        places = [f"place{number}" for number in range(len(order))]
        statement = self._statement(chosen, places, "one.line")
        # As CSV without quotes, since a JSON text has no control characters: no escapes to undo.
        copy_out = f"COPY ({statement}) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"
        with connection.cursor() as cursor, cursor.copy(copy_out, parameters) as copy:
            lines: list[bytes] = []
            size = 0
            for line in copy:
                lines.append(bytes(line))
                size += len(line)
                if size >= CHUNK_BYTES:
                    yield b"".join(lines)
                    lines, size = [], 0
            yield b"".join(lines)

    def fingerprint(self, rows: QuerySet[Any]) -> tuple[Any, ...]:
        """Return what differs wherever a row of `rows` was added, changed or removed.

        It reads the versions of the rows, in one pass without writing any of them as JSON. What
        `joins` reach must not change by itself.
        """
        chosen, parameters = _chosen(rows, self.key)
        statement = (
            f"SELECT count(*), sum(hashint8extended(row.{self.key}, row.xmin::text::bigint))"  # noqa: S608 - no input
            f" FROM {self.table} AS row WHERE row.{self.key} IN ({chosen})"
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            found: tuple[Any, ...] = cursor.fetchone()
        return found

    def _statement(self, chosen: str, places: Sequence[str], output: str) -> str:
        # Each OFFSET 0 keeps the planner from joining first and sorting whole rows last: the keys
        # are sorted, then one row after the other is written and sent.
        columns = ", ".join(f'{sql} AS "{name}"' for name, sql in self.columns.items())
        names, order = ", ".join(places), ", ".join(f"chosen.{place}" for place in places)
        return f"""
            SELECT {output}
            FROM (
                SELECT * FROM ({chosen}) AS any_order (key, {names}) ORDER BY {names} OFFSET 0
            ) AS chosen
            CROSS JOIN LATERAL (
                SELECT row_to_json(fields) AS line
                FROM {self.table} AS row {self.joins}
                CROSS JOIN LATERAL (SELECT {columns}) AS fields
                WHERE row.{self.key} = chosen.key
                OFFSET 0
            ) AS one
            ORDER BY {order}
        """  # noqa: S608 - columns and tables are written in the code


def _chosen(rows: QuerySet[Any], *fields: str) -> tuple[str, Sequence[Any]]:
    """Return the query that gives `fields` of `rows`, in any order."""
    try:
        return rows.order_by().values_list(*fields).query.sql_with_params()
    except EmptyResultSet:  # Django knows that there is none
        return f"SELECT {', '.join(['NULL::bigint'] * len(fields))} WHERE false", ()


def streamed(request: Request, lines: Iterator[bytes]) -> HttpResponseBase:
    """Return the response that sends `lines`, and nothing for a HEAD."""
    if request.method == "HEAD":
        return HttpResponse(content_type=MEDIA_TYPE)
    return StreamingHttpResponse(lines, content_type=MEDIA_TYPE)


def page_response(lines: Sequence[bytes], links: Mapping[str, str | None]) -> HttpResponse:
    """Return a page whose rows are JSON already: they are not read and written again."""
    around = JSONRenderer().render({"results": [], **links})
    content = around.replace(b"[]", b"[" + b",".join(lines) + b"]", 1)
    return HttpResponse(content, content_type="application/json")
