"""The people and models whose marks an import brings."""

from collections.abc import Collection, Mapping
from uuid import UUID

from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from annotation.digests import digest
from datasets_app.records import LabelerRecord
from labelers.models import IMPORTED, Labeler

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('stepmark imports labelers'))"
"""Imports into two projects must not wait for each other's labelers crosswise."""


def labeler_ids(cursor: CursorWrapper, names: Mapping[UUID, str]) -> dict[UUID, int]:
    """Return the id of each labeler, made as a person without an account where there is none.

    `names` has what to call those who are made.
    """
    known = _known(names)
    if missing := sorted(names.keys() - known.keys()):
        cursor.execute(_LOCK)
        Labeler.objects.bulk_create(
            (Labeler(uuid=uuid, kind=Labeler.Kind.PERSON, name=names[uuid]) for uuid in missing),
            ignore_conflicts=True,
        )
        known = _known(names)
    return known


def _known(uuids: Collection[UUID]) -> dict[UUID, int]:
    return dict(Labeler.objects.filter(uuid__in=uuids).values_list("uuid", "id"))


def ids_of(cursor: CursorWrapper, records: Collection[LabelerRecord]) -> dict[LabelerRecord, int]:
    """Return the id of each labeler, made where there is none.

    A model is made retired, with the judge `imported`: it marks nothing here, and is none of this
    installation's models even where it has the name of one. Its UUID is made of its name: what is
    frozen of its marks is the same on every machine.
    """
    people = {record.person: record.name for record in records if record.person}
    by_uuid = labeler_ids(cursor, people)
    wanted = {record.name for record in records if not record.person}
    by_name = _models(wanted)
    if missing := sorted(wanted - by_name.keys()):
        cursor.execute(_LOCK)
        for name in missing:
            Labeler.objects.get_or_create(
                kind=Labeler.Kind.MODEL,
                judge=IMPORTED,
                name=name,
                defaults={"uuid": digest(IMPORTED, name), "retired_at": timezone.now()},
            )
        by_name = _models(wanted)
    return {
        record: by_uuid[record.person] if record.person else by_name[record.name]
        for record in records
    }


def _models(names: Collection[str]) -> dict[str, int]:
    found = Labeler.objects.machines().filter(judge=IMPORTED, name__in=names)
    return dict(found.values_list("name", "id"))
