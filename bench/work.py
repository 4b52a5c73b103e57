"""What is measured: an import, an export, a freeze and a stream, as users have them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test.utils import override_settings

from annotation import runs
from annotation.models import Project, Run
from bench.scratch import PROJECT
from datasets_app.export import annotations_of, write_rows
from datasets_app.exporters import get_exporter
from datasets_app.files import written_whole
from datasets_app.importers import read_records
from datasets_app.lines import BadLine
from datasets_app.loading import load_annotations
from datasets_app.models import Dataset
from datasets_app.reading import read_annotations
from datasets_app.records import AnnotationRecord
from datasets_app.rules import FinishReason, Rules
from datasets_app.snapshots import Wanted, freeze, freeze_slice
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


def freeze_version(container: str, folder: Path) -> None:
    """Freeze all that was marked and write it as PRM800K, by two workers, in files in `folder`."""
    project = Project.objects.get(slug=PROJECT)
    dataset, _ = Dataset.objects.get_or_create(project=project, slug="bench", title="Bench")
    reasons: tuple[FinishReason, ...] = (
        "found_error", "solution", "bad_problem", "give_up", "none",
    )  # fmt: skip
    rules = Rules(finish_reasons=reasons, quality_control=True, screening=True)
    wanted = [Wanted(format="prm800k", container=container)]
    run = freeze(dataset=dataset, rules=rules, wanted=wanted).run
    assert run
    with override_settings(STORAGES=_kept_in(folder)):
        another = subprocess.Popen(
            [sys.executable, "-m", "bench.child", "help", str(run.pk)],
            env={**os.environ, "STEPMARK_DATASETS": str(folder)},
            stdout=subprocess.DEVNULL,
        )
        runs.work_here(run, freeze_slice)
    another.wait()
    runs.check_done(run)


def help_freeze(run_id: Path) -> None:
    """Work on a Run beside whoever began it, as another worker would."""
    runs.work_here(Run.objects.get(pk=int(str(run_id))), freeze_slice)


def _kept_in(folder: Path) -> dict[str, Any]:
    backend = "django.core.files.storage.FileSystemStorage"
    kept = {"BACKEND": backend, "OPTIONS": {"location": str(folder)}}
    return {**settings.STORAGES, "datasets": kept}
