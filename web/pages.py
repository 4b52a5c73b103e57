"""Keyset pages: the last page costs what the first does, because no row is counted or skipped."""

from collections.abc import Iterator
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

ModelT = TypeVar("ModelT", bound=Model)

PAGE_SIZE = 50
LARGEST_ID = 2**63 - 1
PATIENCE_MS = 3000


@dataclass(frozen=True, slots=True)
class Page(Generic[ModelT]):
    """Some rows in the order of their ids, and the queries ("?…") of the pages around them."""

    rows: list[ModelT]
    first: str | None
    previous: str | None
    next: str | None


def page_of(
    rows: QuerySet[ModelT], query: QueryDict, *, page_size: int = PAGE_SIZE
) -> Page[ModelT]:
    """Return the page that `query` asks for: `after` or `before` an id, else the first.

    The links keep the rest of `query`. Raises BadAddress for a cursor that is no id.
    """
    after, before = cursor(query, "after"), cursor(query, "before")
    if after is not None and before is not None:
        raise BadAddress(_("A page is after a place or before one, not both."))
    if before is not None:
        found = list(rows.filter(pk__lt=before).order_by("-pk")[: page_size + 1])
        more_behind, more_ahead = len(found) > page_size, True
        found = found[:page_size][::-1]
    else:
        found = list(rows.filter(pk__gt=after or 0).order_by("pk")[: page_size + 1])
        more_behind, more_ahead = after is not None, len(found) > page_size
        found = found[:page_size]
    kept = {name: str(query[name]) for name in query if name not in {"after", "before"}}
    return Page(
        rows=found,
        first=link(kept) if after is not None or before is not None else None,
        previous=link({**kept, "before": str(found[0].pk)}) if found and more_behind else None,
        next=link({**kept, "after": str(found[-1].pk)}) if found and more_ahead else None,
    )


def cursor(query: QueryDict, name: str) -> int | None:
    value = query.get(name)
    if value is None:
        return None
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
