"""What has changed in a set of marks since a client last asked (docs/adr/0010-changes.md).

Every annotation or verdict that was written, changed or deleted has left a row with the number of
its transaction. A client is told of those transactions alone that nothing older than them can still
commit behind: so that none is passed over, however late it commits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.exceptions import APIException

from annotation.api_projects import ReadDoor
from annotation.models import Project
from labelers.models import Labeler
from web.api_pages import LARGEST_ID, KeysetPagination, bad_cursor, decode, encode
from web.api_sets import SetView

# `place`: this very database, in this course of its life. One that was restored from a copy knows
# nothing of what its clients have seen.
_PLACE = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text,
    concat_ws('.', (SELECT system_identifier FROM pg_control_system()),
        (SELECT timeline_id FROM pg_control_checkpoint()),
        (SELECT oid FROM pg_database WHERE datname = current_database()))
"""
_LAST = """
SELECT xid::text, id FROM annotation_markchange
WHERE project_id = %s AND kind = %s AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY xid DESC, id DESC LIMIT 1
"""
_CHANGES = """
SELECT xid::text, id, key FROM annotation_markchange
WHERE project_id = %(project)s AND kind = %(kind)s
    AND (xid, id) > (%(xid)s::text::xid8, %(id)s)
    AND xid < pg_snapshot_xmin(pg_current_snapshot())
    AND (%(labeler)s::bigint IS NULL OR labeler_id = %(labeler)s)
ORDER BY xid, id LIMIT %(limit)s
"""
_COUNTED = """
SELECT count(*), max(id) FROM annotation_markchange WHERE project_id = %s AND kind = %s
"""


class StartOver(APIException):
    """The cursor is of another database, or of other rights than the caller has now."""

    status_code = status.HTTP_410_GONE
    default_code = "start_over"

    def __init__(self) -> None:
        super().__init__(_("This cursor leads nowhere any more: read the whole set again."))


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose marks are told of: those of all (None), or of one labeler."""

    labeler: int | None

    @classmethod
    def of(cls, user: Any, project: Any) -> "Reach":
        if project.reads_marks:
            return cls(None)
        own = Labeler.objects.filter(user=user).values_list("pk", flat=True).first()
        return cls(own or 0)


@dataclass(frozen=True, slots=True)
class Since:
    """What a client has seen: the changes up to row `id` of transaction `xid`."""

    xid: int
    id: int


def here() -> tuple[int, str]:
    """Return the first transaction that may still commit, and which database says so."""
    with connection.cursor() as cursor:
        cursor.execute(_PLACE)
        xid, place = cursor.fetchone()
    return int(xid), place


def last(project: Project, kind: str) -> Since:
    """Return the last change that is settled: what is read from now on has it, and all before."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST, [project.pk, kind])
        found = cursor.fetchone()
    return Since(0, 0) if found is None else Since(int(found[0]), found[1])


def cursor_of(seen: Since, kind: str, reach: Reach) -> str:
    return encode(kind, here()[1], reach.labeler, seen.xid, seen.id)


def is_there(seen: Since, kind: str) -> bool:
    """Whether the change that a client saw last has happened here; none may have."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM annotation_markchange WHERE id = %s AND kind = %s AND xid::text = %s",
            [seen.id, kind, str(seen.xid)],
        )
        return seen == Since(0, 0) or cursor.fetchone() is not None


def since(text: str, kind: str, reach: Reach) -> Since:
    """Read a cursor; raises ValidationError for what is none, StartOver for one of before."""
    match decode(text):
        case [str(of), str(place), int() | None as labeler, int(xid), int(row)] if (
            of == kind and 0 <= xid <= LARGEST_ID and 0 <= row <= LARGEST_ID
        ):
            horizon, this = here()
            seen = Since(xid, row)
            is_known = place == this and xid <= horizon and is_there(seen, kind)
            if not is_known or labeler != reach.labeler:
                raise StartOver
            return seen
    raise bad_cursor()


def changed_keys(
    project: Project, kind: str, reach: Reach, seen: Since, limit: int
) -> list[tuple[int, int, int]]:
    """Return (transaction, row, key) of the changes after `seen` that are settled, in order."""
    values: dict[str, int | str | None] = {
        "project": project.pk, "kind": kind, "labeler": reach.labeler,
        "xid": seen.xid, "id": seen.id, "limit": limit,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_CHANGES, values)
        return [(int(xid), row, key) for xid, row, key in cursor.fetchall()]


class LinkedPages(KeysetPagination):
    """Pages that say where what changes afterwards is told."""

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page = super().get_paginated_response_schema(schema)
        said = "Ask this later for what has changed; keep that of the first page."
        page["properties"]["changes"] = {"type": "string", "format": "uri", "description": said}
        page["required"].append("changes")
        return page


class ChangesLinked(ReadDoor, SetView):
    """A set whose pages and streams say where what changes afterwards is told."""

    pagination_class = LinkedPages
    kind: str
    changes_url: str

    def links(self) -> Mapping[str, str]:
        seen = last(self.project, self.kind)
        cursor = cursor_of(seen, self.kind, Reach.of(self.user, self.project))
        address = reverse(self.changes_url, args=[self.project.slug])
        return {"changes": self.request.build_absolute_uri(f"{address}?cursor={cursor}")}

    def stream_tag(self, found: QuerySet[Any]) -> tuple[Any, ...]:
        """Every change of the set has left a row that stays: their number tells."""
        with connection.cursor() as cursor:
            cursor.execute(_COUNTED, [self.project.pk, self.kind])
            counted: tuple[Any, ...] = cursor.fetchone()
        return (counted, here()[1], Reach.of(self.user, self.project))
