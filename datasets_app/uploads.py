"""Files that somebody sends: cut into parts at once, imported part by part by a Run.

The lines lie in PostgreSQL until they are imported, so that a worker on any machine can take them
and a killed one loses nothing. What a part brings in, its bad lines and its end are written in one
transaction.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from io import BufferedReader, RawIOBase
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID, uuid4

import zstandard
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import F
from django.utils.translation import gettext as _

from annotation import run_plans, runs
from annotation.models import Project, Run, RunSlice
from annotation.steps import SPLITTERS
from datasets_app.importers import (
    AUTO,
    GROUP_BYTES,
    Imported,
    fitting,
    get_importer,
    importers_of,
    records_of,
)
from datasets_app.lines import BadLine, Line, raw_lines, read_lines
from datasets_app.loading.annotations import AnnotationLoader
from datasets_app.loading.batches import Loader, prepare
from datasets_app.loading.marks import MarkLoader
from datasets_app.loading.occurrences import Counting
from datasets_app.loading.problems import ProblemLoader
from datasets_app.loading.solutions import SolutionLoader
from datasets_app.models import Upload, UploadBadLine, UploadPart
from datasets_app.records import (
    AnnotationRecord,
    MarkedRecord,
    ProblemRecord,
    Record,
    SolutionRecord,
)
from datasets_app.sources import decompressed
from web.models import User
from web.registry import lookup

PART_LINES = 1_000
PART_BYTES = 4 * 1024 * 1024
BUFFER_BYTES = 256 * 1024
KINDS: dict[str, type[Record]] = {
    Upload.Kind.PROBLEMS: ProblemRecord,
    Upload.Kind.SOLUTIONS: SolutionRecord,
    Upload.Kind.ANNOTATIONS: AnnotationRecord,
    Upload.Kind.MARKS: MarkedRecord,
}


class NotImported(ValueError):
    """Nothing of a file can be imported; the message says why, for whoever sent it."""


class TooLarge(ValueError):
    """A file holds more than may be sent at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """What somebody says of a file that they send."""

    kind: str
    importer: str = AUTO
    """A name among `importers_of` the kind, or `auto`: the one that the first good line fits."""
    split: str = ""
    """Of problems that name none."""
    splitter: str = "newline"
    """Of solutions whose steps the file does not give."""

    def check(self) -> None:
        """Raise UnknownName for a kind, an importer or a splitter that there is not."""
        kind = lookup("kind of record", KINDS, self.kind)
        lookup("splitter", SPLITTERS, self.splitter)
        if self.importer != AUTO:
            lookup(f"importer of {self.kind}", importers_of(kind), self.importer)


@transaction.atomic
def receive(
    *,
    project: Project,
    user: User,
    file: BinaryIO,
    name: str,
    wanted: ImportRequest,
    limit_bytes: int,
) -> Upload:
    """Keep a file of JSON lines (.gz and .zst too, by its name) and open the Run that imports it.

    Raises UnknownName, NotImported where no line fits the format, and TooLarge over `limit_bytes`,
    decompressed. Every file that is sent is a Run of its own: what is there already is not added
    again.
    """
    wanted.check()
    name = Path(name).name[:255]
    upload_key = str(uuid4())
    run = run_plans.open_run(
        project=project,
        kind=Run.Kind.IMPORT,
        identity={"upload": upload_key},
        request={"name": name, "upload": upload_key},
        user=user,
    )
    upload = Upload.objects.create(
        run=run,
        kind=wanted.kind,
        importer="",
        file=name,
        size_bytes=0,
        sha256="",
        options={"split": wanted.split, "splitter": wanted.splitter},
    )
    hashed = _Hashed(file)
    cut = _Cut(upload, KINDS[wanted.kind], wanted.importer, limit_bytes)
    buffered = BufferedReader(hashed, BUFFER_BYTES)
    cut.keep(raw_lines(decompressed(buffered, Path(name).suffix)))
    upload.importer, upload.bad = cut.importer, cut.bad
    upload.size_bytes, upload.sha256 = hashed.size, hashed.digest.hexdigest()
    upload.save()
    run_plans.add_slices(run, ([number] for number in range(cut.parts)))
    return upload


class _Hashed(RawIOBase):
    """Passes bytes on and remembers their number and digest."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.size = 0
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # always a memoryview
        chunk = self._stream.read(len(buffer))
        buffer[: len(chunk)] = chunk
        self.size += len(chunk)
        self.digest.update(chunk)
        return len(chunk)


@dataclass(slots=True)
class _Cut:
    """Cuts the lines of a file into parts, and finds out what it is."""

    upload: Upload
    kind: Any
    importer: str
    limit_bytes: int
    parts: int = 0
    bad: int = 0
    _lines: list[bytes] = field(default_factory=list)
    _first: int = 1
    _length: int = 0
    _total: int = 0

    def keep(self, raws: Iterator[bytes | str]) -> None:
        first = ""
        number = 0
        for number, raw in enumerate(raws, 1):
            if isinstance(raw, str):
                self._report(number, raw)
                raw = b"\n"
            if self.importer == AUTO and raw.strip():
                first = first or self._recognise(raw, number)
            self._add(raw)
        self._flush()
        if self.importer == AUTO:
            raise NotImported(first or _("The file holds no line."))

    def _recognise(self, raw: bytes, number: int) -> str:
        """Find the importer by a line; return what is wrong with the line where none fits."""
        for line in read_lines([raw], self.upload.file, first=number):
            if isinstance(line, Line):
                found = fitting(line.value, self.kind)
                if found is not None:
                    self.importer = found.name
                    return ""
            (bad,) = records_of([line], self.kind, None)
            return str(bad)
        return ""

    def _add(self, raw: bytes) -> None:
        is_full = len(self._lines) >= PART_LINES or self._length >= PART_BYTES
        if is_full and not self._is_of_the_last(raw):
            self._flush()
        self._lines.append(raw if raw.endswith(b"\n") else raw + b"\n")
        self._length += len(raw)
        self._total += len(raw)
        if self._total > self.limit_bytes:
            raise TooLarge(_("The file is too large."))

    def _is_of_the_last(self, raw: bytes) -> bool:
        """Whether a line makes one record with the one before it, which no part may cut."""
        if self.importer == AUTO or self._length > GROUP_BYTES + PART_BYTES:
            return False
        importer = get_importer(self.importer)()
        found = [
            importer.together(line.value) if isinstance(line, Line) else None
            for line in read_lines([self._lines[-1], raw], "")
        ]
        return len(found) == 2 and found[0] is not None and found[0] == found[1]

    def _flush(self) -> None:
        if not self._lines:
            return
        UploadPart.objects.create(
            upload=self.upload,
            number=self.parts,
            first_line=self._first,
            body=zstandard.compress(b"".join(self._lines), 3),
        )
        self.parts += 1
        self._first += len(self._lines)
        self._lines, self._length = [], 0

    def _report(self, number: int, reason: str) -> None:
        self.bad += 1
        UploadBadLine.objects.create(upload=self.upload, number=number, reason=reason)


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
