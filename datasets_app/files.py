"""Writing files that are either whole or not there."""

import gzip
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, cast

import zstandard

BUFFER_BYTES = 1 << 20
ZSTD_LEVEL = 1
"""The fastest; files are a tenth larger than at the usual level, 3."""


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write bytes to, which takes the name `path` once all is on disk.

    It is written beside `path` under a temporary name and replaces what was there, so that no
    reader ever sees half of it; an exception removes it. `.gz` and `.zst` are compressed. A
    killed process leaves the temporary file, whose name starts with a dot and ends in `.part`.

    A link stays, and the file that it names is replaced. What is there and is no plain file, such
    as a pipe or a device, is written to as it is. Raises OSError where that cannot be.
    """
    if _is_special(path):
        with path.open("wb", buffering=BUFFER_BYTES) as raw, compressed(raw, path.suffix) as file:
            yield file
        return
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    with temporary.open("xb", buffering=BUFFER_BYTES) as raw:
        try:
            with compressed(raw, path.suffix) as file:
                yield file
            raw.flush()
            os.fsync(raw.fileno())
            temporary.replace(target)
        except BaseException:
            temporary.unlink()
            raise
    _sync_folder(target.parent)


@contextmanager
def compressed(raw: IO[bytes], suffix: str) -> Iterator[IO[bytes]]:
    """Give a file whose bytes reach `raw` compressed as `suffix` (.gz, .zst) says, or as they are.

    Equal bytes in are equal bytes out: no name and no time is put in. `raw` stays open.
    """
    with ExitStack() as stack:
        if suffix == ".gz":
            zipped = gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0)
            yield cast(IO[bytes], stack.enter_context(zipped))
        elif suffix == ".zst":
            # One thread of its own, whatever the machine has: the bytes do not depend on it.
            zstd = zstandard.ZstdCompressor(ZSTD_LEVEL, threads=1)
            yield stack.enter_context(zstd.stream_writer(raw, closefd=False))
        else:
            yield raw


def _is_special(path: Path) -> bool:
    """Tell whether something is there, behind all links, that is no plain file."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
