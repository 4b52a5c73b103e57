"""The people whose marks an import brings."""

from collections.abc import Collection
from uuid import UUID

from django.db.backends.utils import CursorWrapper

from labelers.models import Labeler


def labeler_ids(cursor: CursorWrapper, uuids: Collection[UUID]) -> dict[UUID, int]:
    """Return the id of each labeler, made as a person without an account where there is none."""
    known = _known(uuids)
    if missing := sorted(set(uuids) - known.keys()):
        # Imports into two projects must not wait for each other's labelers crosswise.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('stepmark imports labelers'))")
        Labeler.objects.bulk_create(
            (
                Labeler(
                    uuid=uuid, kind=Labeler.Kind.PERSON, name=f"PRM800K labeler {str(uuid)[:8]}"
                )
                for uuid in missing
            ),
            ignore_conflicts=True,
        )
        known = _known(uuids)
    return known


def _known(uuids: Collection[UUID]) -> dict[UUID, int]:
    return dict(Labeler.objects.filter(uuid__in=uuids).values_list("uuid", "id"))
