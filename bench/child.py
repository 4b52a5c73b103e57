"""`python -m bench.child import|export FILE`: one import or export, timed; prints JSON."""

import json
import os
import sys
import time
from pathlib import Path

import django

from bench.scratch import DATABASE_VARIABLE, PROJECT, use_database


def peak_mb() -> float:
    """Return this process's peak resident memory (Linux: not what its parent had before)."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def run(verb: str, path: Path) -> None:
    """Do what `manage.py import_prm800k` and `manage.py export` do."""
    from annotation.models import Project
    from datasets_app.export import annotations_of, write_rows
    from datasets_app.exporters import get_exporter
    from datasets_app.files import written_whole
    from datasets_app.importers import read_records
    from datasets_app.loading import load_annotations
    from datasets_app.reading import read_annotations
    from datasets_app.records import AnnotationRecord

    if verb == "import":
        entries = read_records(path, AnnotationRecord)
        load_annotations(project_slug=PROJECT, entries=entries, report=refuse)
    else:
        annotations = annotations_of(Project.objects.get(slug=PROJECT), "people")
        with written_whole(path) as file:
            write_rows(read_annotations(annotations), get_exporter("prm800k")(), file)


def refuse(bad: object) -> None:
    raise ValueError(str(bad))


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    use_database(os.environ[DATABASE_VARIABLE])
    began = time.perf_counter()
    run(sys.argv[1], Path(sys.argv[2]))
    seconds = time.perf_counter() - began
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()
