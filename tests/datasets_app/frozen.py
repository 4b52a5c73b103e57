"""Versions of datasets, frozen for tests."""

import gzip
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import zstandard

from annotation import runs
from annotation.models import Project
from datasets_app import stored
from datasets_app.models import Dataset, Snapshot, SnapshotFile
from datasets_app.rules import Rules
from datasets_app.snapshots import Wanted, freeze, freeze_slice

Json = dict[str, Any]


def dataset_of(project: Project, slug: str = "steps") -> Dataset:
    return Dataset.objects.get_or_create(
        project=project, slug=slug, defaults={"title": "Steps", "license": "mit"}
    )[0]


def frozen(project: Project, *wanted: Wanted, slug: str = "steps", **rules: Any) -> Snapshot:
    """Freeze `project` by `rules`, in this process."""
    snapshot = freeze(
        dataset=dataset_of(project, slug), rules=Rules.from_json(rules), wanted=wanted
    )
    assert snapshot.run
    runs.work_here(snapshot.run, freeze_slice)
    snapshot.refresh_from_db()
    return snapshot


def lines_of(file: SnapshotFile) -> list[Json]:
    with stored.opened(file.stored_as) as opened:
        whole = opened.read()
    if file.path.endswith(".gz"):
        whole = gzip.decompress(whole)
    if file.path.endswith(".zst"):
        whole = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(whole)).read()
    return [orjson.loads(line) for line in whole.splitlines()]


def solutions_of(snapshot: Snapshot, split: str = "train") -> list[Json]:
    files = snapshot.files.filter(kind="solutions", split=split).order_by("shard")
    return [line for file in files for line in lines_of(file)]


def rows_of(snapshot: Snapshot, export: str, split: str = "train") -> list[Json]:
    files = snapshot.files.filter(kind="rows", export__name=export, split=split).order_by("shard")
    return [line for file in files for line in lines_of(file)]


def texts_of(solutions: Sequence[Json]) -> set[str]:
    return {one["record"]["question"]["problem"] for one in solutions}


def laid_out(snapshot: Snapshot, folder: Path) -> Path:
    """Write the files of a version into `folder`, under the names that readers know."""
    for file in snapshot.files.all():
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with stored.opened(file.stored_as) as opened:
            path.write_bytes(opened.read())
    return folder
