"""Reads JSON lines that strangers wrote: what is good is kept, what is not is reported."""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from datasets_app.sources import BROKEN_STREAM, display_name, open_source
from web.nesting import MAX_DEPTH, is_too_deep

LIMIT_BYTES = 8 * 1024 * 1024

_BOM = b"\xef\xbb\xbf"
_SKIP_BYTES = 256 * 1024
_INT64 = range(-(2**63), 2**63)
_INT64_DIGITS = 19
# How JSON spells the characters that PostgreSQL's text cannot hold.
_SUSPECT_ESCAPES = (b"\\u0000", b"\\ud", b"\\uD")


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be used, and why, in words for the person who runs the import."""

    file: str
    number: int
    """From 1."""
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.number}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that holds one JSON object which PostgreSQL can keep."""

    file: str
    number: int
    """From 1."""
    value: dict[str, Any]
    length: int
    """Bytes, decompressed."""

    def bad(self, reason: str) -> BadLine:
        return BadLine(self.file, self.number, reason)


class BadJson(ValueError):
    """The text of a line is not one JSON object that can be kept exactly."""


def read(
    path: str | Path,
    *,
    limit_bytes: int = LIMIT_BYTES,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Line | BadLine]:
    """Read a file of JSON objects, one a line, in its order; blank lines are passed over.

    `-` is standard input; `.gz` and `.zst` are decompressed. `progress` is told how many bytes
    of the file were read so far. A line over `limit_bytes` is reported without being held in
    memory; where a stream is damaged, the line that breaks off is the last one reported.
    Raises CannotRead when the file cannot be opened.
    """
    file = display_name(path)
    with open_source(path, progress) as stream:
        yield from read_lines(raw_lines(stream, limit_bytes), file)


def read_lines(
    raws: Iterable[bytes | str], file: str, *, first: int = 1
) -> Iterator[Line | BadLine]:
    """Read lines as `raw_lines` gives them, of which the first has the number `first`."""
    for number, raw in enumerate(raws, first):
        if isinstance(raw, str):
            yield BadLine(file, number, raw)
            continue
        raw = raw.removeprefix(_BOM).rstrip()
        if not raw:
            continue
        try:
            value = parse(raw)
        except BadJson as error:
            yield BadLine(file, number, str(error))
        else:
            yield Line(file, number, value, len(raw))


def parse(raw: bytes) -> dict[str, Any]:
    """Return the JSON object that one line holds.

    Raises BadJson for anything that two readers might understand differently or that
    PostgreSQL cannot keep: duplicate keys, NaN and infinities, integers over 64 bits, NUL
    characters, lone surrogates, invalid UTF-8, and nesting deeper than MAX_DEPTH.
    """
    if b"\0" in raw:
        raise BadJson("holds a NUL byte")
    try:
        value = _DECODER.decode(raw.decode())
    except UnicodeDecodeError as error:
        raise BadJson(f"invalid UTF-8 at byte {error.start + 1}") from None
    except json.JSONDecodeError as error:
        raise BadJson(f"broken JSON: {error.msg} (column {error.colno})") from None
    except RecursionError:
        raise BadJson(f"nested deeper than {MAX_DEPTH} levels") from None
    if not isinstance(value, dict):
        raise BadJson(f"not a JSON object but {_JSON_NAMES[type(value)]}")
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and is_too_deep(value):
        raise BadJson(f"nested deeper than {MAX_DEPTH} levels")
    if b"\\u" in raw and any(escape in raw for escape in _SUSPECT_ESCAPES):
        _check_characters(value)
    return value


def raw_lines(stream: BufferedIOBase, limit_bytes: int = LIMIT_BYTES) -> Iterator[bytes | str]:
    """Yield the lines of a stream as bytes; for one that cannot be had, the reason as text."""
    try:
        while raw := stream.readline(limit_bytes + 1):
            if len(raw) <= limit_bytes or raw.endswith(b"\n"):
                yield raw
                continue
            while raw and not raw.endswith(b"\n"):
                raw = stream.readline(_SKIP_BYTES)
            yield f"longer than {limit_bytes:,} bytes"
    except BROKEN_STREAM as error:
        yield f"the file cannot be read from here on: {error}"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise BadJson(f"the key {json.dumps(twice)} occurs twice in one object")
    return value


def _int(digits: str) -> int:
    if len(digits) < _INT64_DIGITS:
        return int(digits)
    # Python itself refuses to read some thousand digits.
    if len(digits) > _INT64_DIGITS + 1 or (number := int(digits)) not in _INT64:
        raise BadJson(f"the number {_shortened(digits)} is over 64 bits")
    return number


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise BadJson(f"the number {_shortened(digits)} is too large")
    # PostgreSQL writes -0.0 as 0: what leaves would not be what came.
    return number + 0.0


def _constant(name: str) -> float:
    raise BadJson(f"{name} is no JSON number")


def _shortened(digits: str) -> str:
    return digits if len(digits) <= 30 else f"{digits[:27]}..."


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_int, parse_float=_float, parse_constant=_constant
)
_JSON_NAMES = {
    list: "a list",
    str: "text",
    int: "a number",
    float: "a number",
    bool: "a truth value",
    type(None): "null",
}


def _check_characters(value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise BadJson(r"holds an escaped NUL (\u0000)")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            lone = f"\\u{ord(value[error.start]):04x}"
            raise BadJson(f"holds a lone surrogate ({lone})") from None
    elif isinstance(value, dict):
        for key, child in value.items():
            _check_characters(key)
            _check_characters(child)
    elif isinstance(value, list):
        for child in value:
            _check_characters(child)
