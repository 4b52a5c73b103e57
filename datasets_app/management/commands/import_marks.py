"""`manage.py import_marks`: solutions and the marks on their steps from a file into a project."""

from collections.abc import Callable
from typing import Any

from datasets_app.importers import read_records
from datasets_app.lines import BadLine
from datasets_app.loading import Loaded, load_marks
from datasets_app.management.importing import Advance, ImportCommand
from datasets_app.records import MarkedRecord


class Command(ImportCommand):
    help = "Import solutions with marks on their steps. Importing a file again adds nothing."
    kind = MarkedRecord
    noun = "marked solutions"
    is_work = True

    def load(
        self, report: Callable[[BadLine], None], advance: Advance, options: dict[str, Any]
    ) -> Loaded:
        return load_marks(
            project_slug=options["project"],
            entries=read_records(
                options["file"], MarkedRecord, options["format"], progress=advance
            ),
            strict=options["strict"],
            report=report,
        )
