"""`manage.py import_solutions`: ready-made solutions from a file into a project."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from annotation.steps import SPLITTERS
from datasets_app.importers import read_records
from datasets_app.lines import BadLine
from datasets_app.loading import Loaded, load_solutions
from datasets_app.management.importing import Advance, ImportCommand
from datasets_app.records import SolutionRecord


class Command(ImportCommand):
    help = "Import solutions, split into steps and graded. Importing a file again adds nothing."
    kind = SolutionRecord
    noun = "solutions"
    is_work = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--splitter",
            choices=sorted(SPLITTERS),
            default="newline",
            help="how solutions are split whose steps the file does not give",
        )

    def load(
        self, report: Callable[[BadLine], None], advance: Advance, options: dict[str, Any]
    ) -> Loaded:
        return load_solutions(
            project_slug=options["project"],
            entries=read_records(
                options["file"], SolutionRecord, options["format"], progress=advance
            ),
            splitter=options["splitter"],
            strict=options["strict"],
            report=report,
        )
