"""One shard of a snapshot into the files of a training format."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from datasets_app import stored
from datasets_app.containers import json_lines, suffix_of, written
from datasets_app.exporters import get_exporter
from datasets_app.exporters.base import ORIGIN, Exporter, ExportOptions
from datasets_app.marked import MarkedSolution
from datasets_app.models import Export, SnapshotFile
from datasets_app.rules import Rules
from datasets_app.stored import Stored

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedShard:
    """What one shard became."""

    rows: Stored
    n_rows: int
    left_out: int
    """Marked solutions that made no row."""
    origins: Stored | None
    """Where the rows come from, a line each, for formats that cannot hold it."""


def options_of(name: str, rules: Rules, given: dict[str, Any]) -> ExportOptions:
    """Return a format's options: what is `given`, else what the rules say, else what is usual.

    Raises UnknownName for a format that there is not, OptionRefused for what it cannot do.
    """
    kind = get_exporter(name)
    chosen = asdict(kind.defaults)
    for option in ("neutral", "truncate", "alternatives"):
        if getattr(rules, option) is not None:
            chosen[option] = getattr(rules, option)
    options = ExportOptions(**{**chosen, **given})
    kind(options)  # refuses what it cannot follow
    return options


def exporter_of(export: Export) -> Exporter:
    return get_exporter(export.format)(ExportOptions(**export.options))


def read_shard(file: SnapshotFile) -> Iterator[MarkedSolution]:
    """Yield the marked solutions of a file of kind SOLUTIONS; memory stays flat."""
    with stored.opened(file.stored_as) as lines:
        for value in json_lines(lines):
            yield MarkedSolution.from_json(value)


def write_shard(export: Export, file: SnapshotFile) -> ExportedShard:
    """Write the rows of a file of solutions in the form of `export`, and keep them."""
    exporter, folder = exporter_of(export), str(export.snapshot.uuid)
    suffix, is_typed = suffix_of(export.container), export.container == "parquet"
    n_rows = left_out = 0
    with stored.drafted() as drafts:
        rows_path, origins_path = drafts / f"rows{suffix}", drafts / "origins.jsonl.zst"
        with ExitStack() as stack:
            rows = stack.enter_context(written(rows_path, schema_of(exporter)))
            origins = None
            if not exporter.holds_origin:
                origins = stack.enter_context(written(origins_path))
            for _, of_problem in groupby(read_shard(file), key=attrgetter("problem_id")):
                solutions = list(of_problem)
                used: set[int] = set()
                for row in exporter.rows(solutions):
                    used.update(id(one) for one in (row.solution, *row.also))
                    value = exporter.typed(row.value) if is_typed else row.value
                    if origins is None:
                        rows.write(value | row.origin())
                    else:
                        rows.write(value)
                        origins.write(row.origin())
                    n_rows += 1
                left_out += len(solutions) - len(used)
        return ExportedShard(
            rows=stored.keep(rows_path, folder=folder),
            n_rows=n_rows,
            left_out=left_out,
            origins=None if origins is None else stored.keep(origins_path, folder=folder),
        )


def schema_of(exporter: Exporter) -> "pa.Schema":
    """Return the types of all columns of an exporter's rows."""
    import pyarrow as pa

    schema = exporter.schema()
    if not exporter.holds_origin:
        return schema
    types = dict.fromkeys(ORIGIN, pa.string())
    types |= {"step_ids": pa.list_(pa.string()), "weight": pa.float64()}
    for name, kind in types.items():
        if name not in schema.names:
            schema = schema.append(pa.field(name, kind))
    return schema
