"""`manage.py import_problems`: problems from a file into a project."""

from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from datasets_app.importers import Imported, read_records
from datasets_app.lines import BadLine
from datasets_app.loading import Loaded, load_problems
from datasets_app.management.importing import Advance, ImportCommand
from datasets_app.records import ProblemRecord

Entry = Imported[ProblemRecord] | BadLine


class Command(ImportCommand):
    help = "Import problems. Importing a file again adds nothing."
    kind = ProblemRecord
    noun = "problems"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--split", default="", metavar="NAME", help="the split of problems that name none"
        )

    def load(
        self, report: Callable[[BadLine], None], advance: Advance, options: dict[str, Any]
    ) -> Loaded:
        entries = read_records(options["file"], ProblemRecord, options["format"], progress=advance)
        return load_problems(
            project_slug=options["project"],
            entries=_with_split(entries, options["split"]),
            strict=options["strict"],
            report=report,
        )


def _with_split(entries: Iterable[Entry], split: str) -> Iterator[Entry]:
    for entry in entries:
        if split and isinstance(entry, Imported) and not entry.record.split:
            entry = replace(entry, record=replace(entry.record, split=split))
        yield entry
