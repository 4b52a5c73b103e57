"""`manage.py import_prm800k`: labelled solutions from a file into a project."""

from collections.abc import Callable
from typing import Any

from datasets_app.importers import read_records
from datasets_app.lines import BadLine
from datasets_app.loading import Loaded, load_annotations
from datasets_app.management.importing import Advance, ImportCommand
from datasets_app.records import AnnotationRecord


class Command(ImportCommand):
    help = "Import PRM800K records without loss. Importing a file again adds nothing."
    kind = AnnotationRecord
    noun = "annotations"

    def load(
        self, report: Callable[[BadLine], None], advance: Advance, options: dict[str, Any]
    ) -> Loaded:
        return load_annotations(
            project_slug=options["project"],
            entries=read_records(options["file"], AnnotationRecord, progress=advance),
            strict=options["strict"],
            report=report,
        )
