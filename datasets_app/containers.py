"""Kinds of files that rows are written to: JSON lines, plain or compressed, and Parquet.

Equal rows make equal bytes: no name, time or number of workers is put in.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import orjson

from datasets_app.files import BUFFER_BYTES, compressed
from datasets_app.marked import Json
from web.registry import lookup

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP = 2_000
"""Rows that are held in memory, and read together, at most."""


class RowFile(ABC):
    """A file that rows are being written to."""

    @abstractmethod
    def write(self, row: Json) -> None: ...


class _Lines(RowFile):
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, row: Json) -> None:
        self._file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


class _Parquet(RowFile):
    """Rows as JSON, which Arrow reads by the schema: faster than one Python value at a time."""

    def __init__(self, path: Path, schema: "pa.Schema") -> None:
        from pyarrow import parquet

        self._lines: list[bytes] = []
        self._schema = schema
        self._file = parquet.ParquetWriter(path, schema, compression="zstd")

    def write(self, row: Json) -> None:
        self._lines.append(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        if len(self._lines) == ROW_GROUP:
            self.flush()

    def flush(self) -> None:
        import pyarrow as pa
        from pyarrow import json

        lines = b"".join(self._lines)
        self._lines = []
        table = json.read_json(
            pa.BufferReader(lines),
            read_options=json.ReadOptions(use_threads=False, block_size=len(lines) + 1),
            # Imported PRM800K records may have keys of their own, which columns have no place for.
            parse_options=json.ParseOptions(
                explicit_schema=self._schema, unexpected_field_behavior="ignore"
            ),
        )
        self._file.write_table(table.select(self._schema.names))

    def close(self) -> None:
        if self._lines:
            self.flush()
        self._file.close()


CONTAINERS = {
    "jsonl": ".jsonl",
    "jsonl.gz": ".jsonl.gz",
    "jsonl.zst": ".jsonl.zst",
    "parquet": ".parquet",
}
"""Suffixes of the files, by the container's name."""


def suffix_of(container: str) -> str:
    """Return the suffix of a container's files; UnknownName lists the known ones."""
    return lookup("container", CONTAINERS, container)


@contextmanager
def written(path: Path, schema: "pa.Schema | None" = None) -> Iterator[RowFile]:
    """Give a file of the kind that the suffix of `path` says; Parquet needs the rows' `schema`."""
    if path.suffix == ".parquet":
        if schema is None:
            raise ValueError("Parquet needs a schema")
        parquet = _Parquet(path, schema)
        try:
            yield parquet
        finally:
            parquet.close()
        return
    with path.open("xb", buffering=BUFFER_BYTES) as raw, compressed(raw, path.suffix) as file:
        yield _Lines(file)


def json_lines(file: IO[bytes]) -> Iterator[Any]:
    """Yield the values of a file of JSON lines that is compressed with zstd."""
    import io

    import zstandard

    with zstandard.ZstdDecompressor().stream_reader(file) as raw:
        for line in io.BufferedReader(raw, BUFFER_BYTES):
            yield orjson.loads(line)
