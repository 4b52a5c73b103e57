"""Opens what is to be read: a file, a compressed file or standard input, as a stream of bytes."""

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import zstandard

STANDARD_INPUT = "-"

# What reading a stream raises where the stream is damaged; OSError covers gzip's bad checksum.
BROKEN_STREAM = (OSError, EOFError, zlib.error, zstandard.ZstdError)

_BUFFER_BYTES = 256 * 1024
# One kB of hostile zstd may stand for 32 MB.
_ZSTD_CHUNK_BYTES = 1024


class CannotRead(ValueError):
    """The file cannot be opened at all; the message names it and says why."""


def display_name(path: str | Path) -> str:
    """Return what reports call this source."""
    return "standard input" if str(path) == STANDARD_INPUT else str(path)


@contextmanager
def open_source(
    path: str | Path, progress: Callable[[int], None] | None = None
) -> Iterator[io.BufferedIOBase]:
    """Open `path` for reading bytes; `-` is standard input, `.gz` and `.zst` are decompressed.

    `progress` is told, now and then, how many bytes of the file (compressed ones) were read so
    far. Raises CannotRead; a stream that turns out to be damaged raises one of BROKEN_STREAM
    while it is read.
    """
    if str(path) == STANDARD_INPUT:
        stdin = cast(io.BufferedReader, sys.stdin.buffer)
        yield io.BufferedReader(_Counted(stdin.read1, progress), _BUFFER_BYTES)
        return
    try:
        file = io.FileIO(path)
    except OSError as error:
        raise CannotRead(f"cannot read {path}: {error.strerror}") from None
    with file:
        counted = io.BufferedReader(_Counted(file.read, progress), _BUFFER_BYTES)
        yield decompressed(counted, Path(path).suffix)


def decompressed(stream: io.BufferedIOBase, suffix: str) -> io.BufferedIOBase:
    """Return what `stream` holds, decompressed as `suffix` (.gz, .zst) says.

    Reading a stream that turns out to be damaged raises one of BROKEN_STREAM.
    """
    match suffix:
        case ".gz":
            return gzip.GzipFile(fileobj=stream)
        case ".zst":
            return io.BufferedReader(_Zstd(stream), _BUFFER_BYTES)
        case _:
            return stream


class TooLarge(ValueError):
    """A stream holds more than is taken."""


def bounded(stream: io.BufferedIOBase, most_bytes: int) -> io.BufferedReader:
    """Return what `stream` holds; reading beyond `most_bytes` of it raises TooLarge.

    All that comes before can be read, also before a stream breaks off.
    """
    left = most_bytes

    def read(size: int) -> bytes:
        nonlocal left
        chunk = stream.read1(min(size, left) or 1)
        if len(chunk) > left:
            raise TooLarge(f"it holds more than {most_bytes:,} bytes")
        left -= len(chunk)
        return chunk

    return io.BufferedReader(_Counted(read, None), _BUFFER_BYTES)


class _Counted(io.RawIOBase):
    """Passes bytes on and tells how many there were so far."""

    def __init__(self, read: Callable[[int], bytes], progress: Callable[[int], None] | None):
        self._read = read
        self._progress = progress
        self._total = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # always a memoryview
        chunk = self._read(len(buffer))
        buffer[: len(chunk)] = chunk
        self._total += len(chunk)
        if self._progress is not None:
            self._progress(self._total)
        return len(chunk)


class _Zstd(io.RawIOBase):
    """Decompresses frame after frame, raising EOFError where the last one is cut off.

    The library's own stream reader takes a cut-off frame for the end of the file.
    """

    def __init__(self, compressed: io.BufferedIOBase):
        self._compressed = compressed
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._is_inside = False
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # always a memoryview
        while not self._ready:
            if not self._fill():
                return 0
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _fill(self) -> bool:
        if self._frame.eof:
            chunk = self._frame.unused_data
            self._frame = zstandard.ZstdDecompressor().decompressobj()
            self._is_inside = False
        else:
            chunk = b""
        chunk = chunk or self._compressed.read(_ZSTD_CHUNK_BYTES)
        if not chunk:
            if self._is_inside:
                raise EOFError("Compressed file ended before its last frame did")
            return False
        self._is_inside = True
        self._ready = memoryview(self._frame.decompress(chunk))
        return True
