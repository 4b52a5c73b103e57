"""Records into the tables and out again, for tests."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

import orjson

from annotation.models import Project
from datasets_app.export import annotations_of
from datasets_app.exporters.base import Exporter
from datasets_app.exporters.prm800k import Prm800kExporter
from datasets_app.importers import Imported, get_importer
from datasets_app.lines import BadLine
from datasets_app.loading import Loaded, load_annotations, load_marks
from datasets_app.prm800k import prm800k_from_json
from datasets_app.reading import read_annotations
from datasets_app.records import Record

Json = dict[str, Any]


def imported(records: Iterable[Record], *, length: int = 100) -> list[Imported[Any]]:
    """Return records as if each was read from a line of `length` bytes."""
    return [
        Imported("records.jsonl", number, record, length)
        for number, record in enumerate(records, 1)
    ]


def refuse(bad: BadLine) -> None:
    raise AssertionError(f"a good record was reported: {bad}")


def load_json(values: Sequence[Json], slug: str = "math") -> Loaded:
    records = [prm800k_from_json(value) for value in values]
    return load_annotations(project_slug=slug, entries=imported(records), report=refuse)


def exported(
    slug: str = "math", *, labelers: str = "people", exporter: Exporter | None = None
) -> list[Json]:
    """Return the rows as a reader of the file would have them."""
    exporter = exporter or Prm800kExporter()
    annotations = annotations_of(Project.objects.get(slug=slug), labelers)
    return [
        orjson.loads(orjson.dumps(row.value))
        for solution in read_annotations(annotations)
        for row in exporter.rows([solution])
    ]


def round_trip(lines: Sequence[Json], importer: str, exporter: Exporter, slug: str) -> list[Json]:
    """Return lines of marked solutions as they come out again."""
    entries = [record for value in lines for record in get_importer(importer)().records_of([value])]
    load_marks(project_slug=slug, entries=imported(entries), report=refuse)
    annotations = annotations_of(Project.objects.get(slug=slug), "all")
    groups = groupby(read_annotations(annotations), key=attrgetter("problem_id"))
    return [
        orjson.loads(orjson.dumps(row.value))
        for _, solutions in groups
        for row in exporter.rows(list(solutions))
    ]
