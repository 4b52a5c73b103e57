"""Files that somebody sends: cut into parts at once, imported part by part by a Run.

The lines lie in PostgreSQL until they are imported (`upload_parts`), so that a worker on any
machine can take them and a killed one loses nothing.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import zstandard
from django.db import transaction
from django.utils.translation import gettext as _

from annotation import run_plans
from annotation.models import Project, Run
from annotation.steps import SPLITTERS
from datasets_app import sources
from datasets_app.importers import (
    AUTO,
    GROUP_BYTES,
    fitting,
    get_importer,
    importers_of,
    records_of,
)
from datasets_app.lines import Line, raw_lines, read_lines
from datasets_app.models import Upload, UploadBadLine, UploadPart
from datasets_app.records import (
    AnnotationRecord,
    MarkedRecord,
    ProblemRecord,
    Record,
    SolutionRecord,
)
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
    """A file holds more than may be sent at once: `line` is the first that goes beyond it."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} goes beyond what a file may hold")
        self.line = line


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
    buffered = BufferedReader(hashed, BUFFER_BYTES)
    whole = sources.bounded(sources.decompressed(buffered, Path(name).suffix), limit_bytes)
    cut = _Cut(upload, KINDS[wanted.kind], wanted.importer)
    cut.keep(raw_lines(whole))
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
    parts: int = 0
    bad: int = 0
    _lines: list[bytes] = field(default_factory=list)
    _first: int = 1
    _length: int = 0

    def keep(self, raws: Iterator[bytes | str]) -> None:
        """Keep all lines; raises NotImported, and TooLarge where reading them raises its like."""
        first = ""
        number = 0
        try:
            for number, raw in enumerate(raws, 1):
                if isinstance(raw, str):
                    self._report(number, raw)
                    raw = b"\n"
                if self.importer == AUTO and raw.strip():
                    first = first or self._recognise(raw, number)
                self._add(raw)
        except sources.TooLarge:
            raise TooLarge(number + 1) from None
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
