"""What workers do with the parts of an upload: import them, one by one.

What a part brings in, its bad lines and its end are written in one transaction.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any
from uuid import UUID

import zstandard
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import F

from annotation import runs
from annotation.models import RunSlice
from datasets_app.importers import Imported, get_importer, records_of
from datasets_app.lines import BadLine, read_lines
from datasets_app.loading.annotations import AnnotationLoader
from datasets_app.loading.batches import Loader, prepare
from datasets_app.loading.marks import MarkLoader
from datasets_app.loading.occurrences import Counting
from datasets_app.loading.problems import ProblemLoader
from datasets_app.loading.solutions import SolutionLoader
from datasets_app.models import Upload, UploadBadLine, UploadPart
from datasets_app.records import ProblemRecord
from datasets_app.uploads import KINDS


class UploadOccurrences(Counting):
    """Counts over all parts of an upload, whichever worker imports them."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload

    def add(self, cursor: CursorWrapper, here: Counter[UUID]) -> dict[UUID, int]:
        cursor.execute(
            """
            INSERT INTO datasets_app_uploadoccurrence AS counted (upload_id, key, count)
            SELECT %s, * FROM unnest(%s::uuid[], %s::int[])
            ON CONFLICT (upload_id, key) DO UPDATE SET count = counted.count + excluded.count
            RETURNING key, count
            """,
            [self._upload.pk, list(here), list(here.values())],
        )
        return dict(cursor.fetchall())


def import_slice(piece: RunSlice) -> Callable[[], runs.Made]:
    """Import the part of an upload that a slice names; its payload is the part's number."""
    upload = Upload.objects.select_related("run__project").get(run=piece.run_id)
    parts = list(upload.parts.filter(number__in=piece.payload))
    found = list(chain.from_iterable(_entries(upload, part) for part in parts))
    bad = [entry for entry in found if isinstance(entry, BadLine)]
    batch = [entry for entry in found if isinstance(entry, Imported)]
    loader = _loader(upload)
    loader.start(UploadOccurrences(upload))
    add = prepare(loader, upload.run.project, batch) if batch else lambda: (0, [])

    def write() -> runs.Made:
        added, refused = add()
        _note(upload, parts, read=len(batch) - len(refused), added=added, bad=[*bad, *refused])
        return runs.Made(done=len(piece.payload))

    return write


def _entries(upload: Upload, part: UploadPart) -> Iterator[Imported[Any] | BadLine]:
    body = zstandard.decompress(part.body)
    lines = read_lines(body.split(b"\n")[:-1], upload.file, first=part.first_line)
    kind: Any = KINDS[upload.kind]
    split = upload.options["split"]
    for entry in records_of(lines, kind, get_importer(upload.importer)()):
        if split and isinstance(entry, Imported) and isinstance(entry.record, ProblemRecord):
            entry = replace(entry, record=replace(entry.record, split=entry.record.split or split))
        yield entry


def _loader(upload: Upload) -> Loader[Any]:
    if upload.kind == Upload.Kind.PROBLEMS:
        return ProblemLoader()
    if upload.kind == Upload.Kind.SOLUTIONS:
        return SolutionLoader(upload.options["splitter"])
    if upload.kind == Upload.Kind.MARKS:
        return MarkLoader()
    return AnnotationLoader()


def _note(
    upload: Upload, parts: Sequence[UploadPart], *, read: int, added: int, bad: Sequence[BadLine]
) -> None:
    """Write what came of parts, and forget them. Needs a transaction."""
    # First: the row's lock lets the next one see that these parts are gone.
    Upload.objects.filter(pk=upload.pk).update(
        read=F("read") + read, added=F("added") + added, bad=F("bad") + len(bad)
    )
    UploadBadLine.objects.bulk_create(
        UploadBadLine(upload=upload, number=line.number, reason=line.reason) for line in bad
    )
    upload.parts.filter(pk__in=[part.pk for part in parts]).delete()
    if not upload.parts.exists():
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM datasets_app_uploadoccurrence WHERE upload_id = %s", [upload.pk]
            )
