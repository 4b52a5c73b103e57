"""Keyset pages: the last page costs what the first does, because no row is counted or skipped."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

from django.db import OperationalError, connection, transaction
from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from psycopg.errors import QueryCanceled

from web.errors import BadAddress

RowT = TypeVar("RowT")
ModelT = TypeVar("ModelT", bound=Model)
PlaceT = TypeVar("PlaceT")

PAGE_SIZE = 50
PLACES = frozenset({"after", "before"})
LARGEST_ID = 2**63 - 1
PATIENCE_MS = 3000


@dataclass(frozen=True, slots=True)
class Page(Generic[RowT]):
    """Some rows in the order of their list, and the queries ("?…") of the pages around them."""

    rows: list[RowT]
    first: str | None
    previous: str | None
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyset(Generic[RowT, PlaceT]):
    """How a list is read from a place in it, and how its places are spelt in an address."""

    read: Callable[[PlaceT | None, bool, int], Sequence[RowT]]
    """(place, backwards, how many): the rows next to a place, the nearest first."""
    place_of: Callable[[RowT], str]
    place: Callable[[str], PlaceT]
    """Reads what `place_of` spelt; raises BadAddress for anything else."""


def page_of(
    rows: QuerySet[ModelT], query: QueryDict, *, page_size: int = PAGE_SIZE
) -> Page[ModelT]:
    """Return the page of `rows` by id that `query` asks for, as `page_by` does."""

    def read(place: int | None, backwards: bool, limit: int) -> Sequence[ModelT]:
        if backwards:
            return list(rows.filter(pk__lt=place).order_by("-pk")[:limit])
        return list(rows.filter(pk__gt=place or 0).order_by("pk")[:limit])

    by_id = Keyset(read=read, place_of=lambda row: str(row.pk), place=id_place)
    return page_by(by_id, query, page_size=page_size)


def page_by(
    keyset: Keyset[RowT, PlaceT], query: QueryDict, *, page_size: int = PAGE_SIZE
) -> Page[RowT]:
    """Return the page that `query` asks for: `after` or `before` a place, else the first.

    The links keep the rest of `query`. Raises BadAddress for a place that is none.
    """
    after, before = (
        keyset.place(str(query[name])) if name in query else None for name in ("after", "before")
    )
    if after is not None and before is not None:
        raise BadAddress(_("A page is after a place or before one, not both."))
    backwards = before is not None
    found = list(keyset.read(before if backwards else after, backwards, page_size + 1))
    further, found = len(found) > page_size, found[:page_size]
    if backwards:
        found.reverse()
    more_behind = further if backwards else after is not None
    more_ahead = backwards or further
    kept = {name: str(query[name]) for name in query if name not in PLACES}
    return Page(
        rows=found,
        first=link(kept) if after is not None or before is not None else None,
        previous=link({**kept, "before": keyset.place_of(found[0])})
        if found and more_behind
        else None,
        next=link({**kept, "after": keyset.place_of(found[-1])}) if found and more_ahead else None,
    )


def refuse_unknown(query: QueryDict, known: Collection[str]) -> None:
    """Raise BadAddress where `query` says something beside `known` and the places of pages, or
    says something twice: what is not understood must not look as if it had been.
    """
    for name, values in query.lists():
        if (name not in known and name not in PLACES) or len(values) > 1:
            raise BadAddress(_("This is not a page that we link to."))


def id_place(value: str) -> int:
    """Read an id in an address."""
    if not (value.isascii() and value.isdigit()) or len(value) > 19 or int(value) > LARGEST_ID:
        raise BadAddress(_("This is not a page that we link to."))
    return int(value)


def link(query: dict[str, str]) -> str:
    return f"?{urlencode(query)}"


@contextmanager
def patience(milliseconds: int = PATIENCE_MS) -> Iterator[None]:
    """Give up on a query that takes longer: a search may have to read a whole project.

    Raises BadAddress, which tells the reader to ask for less.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, true)", [f"{milliseconds}ms"]
            )
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise BadAddress(_("This search takes too long. Narrow it down.")) from error
        raise
