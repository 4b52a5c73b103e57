"""Files of datasets where they are kept: in a folder, or in any S3-compatible store.

A file is written beside, read back for its digest, and then kept under a name made of that: so no
worker ever writes over what another one wrote, and a killed one leaves at most a file that nobody
names. What is deleted once another takes its place has a name of its own besides.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import IO, Any

from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages

ALIAS = "datasets"
CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A file that is kept: its name in the storage, bytes and SHA-256."""

    name: str
    size: int
    sha256: str


def storage() -> Storage:
    return storages[ALIAS]


@contextmanager
def drafted() -> Iterator[Path]:
    """Give a folder to write files in, on the storage's own disk where it has one; it goes."""
    where = storage()
    beside = None
    if isinstance(where, FileSystemStorage):
        beside = Path(where.base_location) / ".drafts"
        beside.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=beside))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def keep(path: Path, *, folder: str, alone: bool = False) -> Stored:
    """Move a finished file into the storage, in `folder`; the same bytes are kept only once.

    Where it is `alone` its name is nobody else's, even of the same bytes: whoever replaces it may
    delete it, and no other writer is about to name it.
    """
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    size = path.stat().st_size
    suffixes = "".join(path.suffixes[-2:])
    own = f"-{secrets.token_hex(8)}" if alone else ""
    name, where = f"{folder}/{digest[:32]}{own}{suffixes}", storage()
    if isinstance(where, FileSystemStorage):
        _move(path, Path(where.path(name)))
    elif not where.exists(name):
        with path.open("rb") as file:
            where.save(name, File(file))
    return Stored(name=name, size=size, sha256=digest)


def opened(name: str) -> IO[bytes]:
    """Open a kept file for reading; raises FileNotFoundError."""
    return storage().open(name, "rb")


class Part:
    """Some bytes of a file, in chunks. It is closed by whoever asked for it, read or not."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file = file
        self._length = length

    def __iter__(self) -> "Part":
        return self

    def __next__(self) -> bytes:
        chunk = self._file.read(min(CHUNK_BYTES, self._length)) if self._length else b""
        if not chunk:
            raise StopIteration
        self._length -= len(chunk)
        return chunk

    def close(self) -> None:
        self._file.close()


def read_range(name: str, start: int, length: int) -> Part:
    """Open a kept file and return `length` bytes of it from `start`; raises FileNotFoundError.

    Of a file in an S3-compatible store no other byte is fetched: its own way to open a file would
    copy the whole of it here first.
    """
    where = storage()
    if isinstance(where, FileSystemStorage):
        file = where.open(name, "rb")
        file.seek(start)
        return Part(file, length)
    return Part(_fetched(where, name, start, length), length)


def _fetched(where: Any, name: str, start: int, length: int) -> IO[bytes]:
    wanted = {"Range": f"bytes={start}-{start + length - 1}"} if length else {}
    client = where.bucket.meta.client
    try:
        answer = where.bucket.Object(where._normalize_name(name)).get(**wanted)
    except client.exceptions.NoSuchKey:
        raise FileNotFoundError(name) from None
    body: IO[bytes] = answer["Body"]
    return body


def drop(names: Iterable[str]) -> None:
    """Delete kept files. Whoever reads one from a disk reads on."""
    where = storage()
    for name in names:
        where.delete(name)


def drop_others(folder: str, named: set[str]) -> None:
    """Delete what `folder` holds beside the files `named`, such as what killed workers left."""
    where = storage()
    _, files = where.listdir(folder)
    for file in files:
        if f"{folder}/{file}" not in named:
            where.delete(f"{folder}/{file}")


def _move(path: Path, target: Path) -> None:
    """Move within one disk, on which both the file and its name are safe afterwards."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    path.replace(target)
    number = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
