"""Importers by name, and the reading of files through them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar, cast

from datasets_app.importers.base import Importer, Json
from datasets_app.importers.gsm8k import Gsm8kImporter
from datasets_app.importers.gsm8k_solutions import Gsm8kSolutionsImporter
from datasets_app.importers.jsonl import JsonlImporter
from datasets_app.importers.math import MathImporter
from datasets_app.importers.math_aps_tree import MathApsTreeImporter
from datasets_app.importers.math_shepherd import MathShepherdImporter
from datasets_app.importers.prm800k import Prm800kImporter
from datasets_app.importers.processbench import ProcessBenchImporter
from datasets_app.importers.solutions import SolutionsImporter
from datasets_app.importers.steps import StepsImporter
from datasets_app.lines import BadLine, Line, read
from datasets_app.records import (
    AnnotationRecord,
    BadRecord,
    MarkedRecord,
    ProblemRecord,
    Record,
    SolutionRecord,
)
from web.registry import lookup

R = TypeVar("R", ProblemRecord, SolutionRecord, AnnotationRecord, MarkedRecord)

IMPORTERS: dict[str, type[Importer]] = {
    importer.name: importer
    for importer in (
        Gsm8kImporter,
        Gsm8kSolutionsImporter,
        JsonlImporter,
        MathApsTreeImporter,
        MathImporter,
        MathShepherdImporter,
        Prm800kImporter,
        ProcessBenchImporter,
        SolutionsImporter,
        StepsImporter,
    )
}
AUTO = "auto"

_PLURALS: dict[type[Record], str] = {
    ProblemRecord: "problems",
    SolutionRecord: "solutions",
    AnnotationRecord: "annotations",
    MarkedRecord: "marked solutions",
}
GROUP_BYTES = 16 * 1024 * 1024
"""Of lines that make one record together: they are held in memory."""


@dataclass(frozen=True, slots=True)
class Imported(Generic[R]):
    """A record and where it came from."""

    file: str
    number: int
    """Of the line, from 1."""
    record: R
    length: int
    """Bytes of the line, which may hold several records."""

    def bad(self, reason: str) -> BadLine:
        """Return what to report where the record turns out to be of no use after all."""
        return BadLine(self.file, self.number, reason)


def get_importer(name: str) -> type[Importer]:
    """Return the importer class of this name; UnknownName lists the known ones."""
    return lookup("importer", IMPORTERS, name)


def importers_of(kind: type[Record]) -> dict[str, type[Importer]]:
    """Return, by name, the importers that make this kind of record."""
    return {name: importer for name, importer in IMPORTERS.items() if importer.kind is kind}


def read_records(
    path: str | Path,
    kind: type[R],
    importer: str = AUTO,
    *,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Imported[R] | BadLine]:
    """Read the records of one kind from a file (`lines.read` says of what sort), in its order.

    `auto` takes the importer that the first good line fits; lines before it that fit none are
    bad. Raises CannotRead when the file cannot be opened, and UnknownName, at once, for an
    importer that does not exist or makes records of another kind.
    """
    known = importers_of(kind)
    chosen = None if importer == AUTO else lookup(f"importer of {_PLURALS[kind]}", known, importer)
    return records_of(read(path, progress=progress), kind, chosen() if chosen else None)


def records_of(
    lines: Iterable[Line | BadLine], kind: type[R], importer: Importer | None
) -> Iterator[Imported[R] | BadLine]:
    """Read the records that lines hold; without an importer, through the first one that fits."""
    for group in _groups(lines, kind, importer):
        if isinstance(group, BadLine):
            yield group
            continue
        importer, together = group
        first = together[0]
        if (length := sum(line.length for line in together)) > GROUP_BYTES and len(together) > 1:
            yield first.bad(f"its record has more than {GROUP_BYTES:,} bytes of lines")
            continue
        try:
            records = importer.records_of([line.value for line in together])
        except BadRecord as error:
            rest = f" (the {len(together)} lines of its record are left out)"
            yield together[error.line].bad(f"{error}{rest if len(together) > 1 else ''}")
            continue
        for record in records:
            yield Imported(first.file, first.number, cast(R, record), length)


def _groups(
    read_lines: Iterable[Line | BadLine], kind: type[Record], importer: Importer | None
) -> Iterator[tuple[Importer, list[Line]] | BadLine]:
    """Yield the lines that make one record, mostly one, with the importer that they fit.

    Of a record over GROUP_BYTES the lines that would go further beyond it are not kept.
    """
    lines: list[Line] = []
    common: str | None = None
    length = 0
    for line in read_lines:
        if isinstance(line, BadLine):
            if lines:
                yield lines[0].bad(f"line {line.number} is bad and may be of the same record")
                lines = []
            yield line
            continue
        fits = importer or fitting(line.value, kind)
        if fits is None:
            yield line.bad(_fits_none(line.value, kind))
            continue
        importer = fits
        found = importer.together(line.value)
        if lines and found != common:
            yield importer, lines
            lines = []
        if found is None:
            yield importer, [line]
            continue
        length = length if lines else 0
        common = found
        if length <= GROUP_BYTES:
            lines.append(line)
            length += line.length
    if importer and lines:
        yield importer, lines


def fitting(value: Json, kind: type[Record]) -> Importer | None:
    """Return the importer of a kind that an object seems to be for, None where there is none."""
    importers = (importer() for importer in importers_of(kind).values())
    return next((importer for importer in importers if importer.matches(value)), None)


def _fits_none(value: Json, kind: type[Record]) -> str:
    reason = f"fits no format of {_PLURALS[kind]} ({', '.join(sorted(importers_of(kind)))})"
    for importer in IMPORTERS.values():
        if importer().matches(value):
            return f"{reason}, but that of {_PLURALS[importer.kind]} called {importer.name}"
    return reason
