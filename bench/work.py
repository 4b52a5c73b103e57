"""What is measured: an import, an export and a stream, as commands and clients have them."""

from pathlib import Path

from annotation.models import Project
from bench.scratch import PROJECT
from datasets_app.export import annotations_of, write_rows
from datasets_app.exporters import get_exporter
from datasets_app.files import written_whole
from datasets_app.importers import read_records
from datasets_app.lines import BadLine
from datasets_app.loading import load_annotations
from datasets_app.reading import read_annotations
from datasets_app.records import AnnotationRecord
from web.models import User


def import_file(path: Path) -> None:
    entries = read_records(path, AnnotationRecord)
    load_annotations(project_slug=PROJECT, entries=entries, report=_refuse)


def export_file(path: Path) -> None:
    annotations = annotations_of(Project.objects.get(slug=PROJECT), "people")
    with written_whole(path) as file:
        write_rows(read_annotations(annotations), get_exporter("prm800k")(), file)


def stream_annotations(path: Path) -> None:
    """Take the stream of a project's annotations as REST clients get it; `path` is its slug."""
    from bench import api_reading

    user = User.objects.get(username="bench")
    address = f"/api/v1/projects/{path}/annotations/"
    for _ in api_reading.ask(user, address, accept="application/x-ndjson"):
        pass


def _refuse(bad: BadLine) -> None:
    raise ValueError(str(bad))
