"""The few lines that load a version with Hugging Face `datasets` and a token."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from datasets_app.models import Export, Snapshot, SnapshotFile

PLACEHOLDER = "smk_…"
"""Where the reader's own token goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    format: str
    text: str


def scripts_of(snapshot: Snapshot, site: str) -> list[Script]:
    """Return a script for each format of a version. `site` is an absolute address, "https://…/"."""
    dataset = snapshot.dataset
    one = reverse(
        "api_snapshot_file", args=[dataset.project.slug, dataset.slug, snapshot.version, "x"]
    )
    address = site.rstrip("/") + one.removesuffix("/x")
    exports = snapshot.exports.filter(is_whole=True).order_by("name")
    rows = snapshot.files.filter(kind=SnapshotFile.Kind.ROWS, rows__gt=0)
    made = []
    for export in exports:
        files = list(rows.filter(export=export).order_by("split", "shard"))
        if files:
            made.append(Script(format=export.name, text=script(export, files, address)))
    return made


def script(export: Export, files: Sequence[SnapshotFile], address: str) -> str:
    """Return the lines that load `files` of an export, which lie under `address`."""
    builder = "parquet" if export.container == "parquet" else "json"
    splits = {file.split: [one for one in files if one.split == file.split] for file in files}
    listed = ", ".join(f'"{split}": {_paths(export, of)}' for split, of in splits.items())
    return "\n".join(
        [
            "from datasets import load_dataset",
            f'at = "{address}"',
            f"files = {{{listed}}}",
            f'key = {{"headers": {{"Authorization": "Token {PLACEHOLDER}"}}}}',
            f'steps = load_dataset("{builder}", data_files=files, storage_options=key)',
        ]
    )


def _paths(export: Export, files: Sequence[SnapshotFile]) -> str:
    split = files[0].split
    if len(files) == 1:
        return f'[at + "/{files[0].path}"]'
    shards = [file.shard for file in files]
    numbers = f"range({len(shards)})" if shards == list(range(len(shards))) else f"({shards!r})"
    suffix = files[0].path.partition(f"{export.name}/{split}-{shards[0]:05d}")[2]
    return f'[f"{{at}}/{export.name}/{split}-{{n:05d}}{suffix}" for n in {numbers}]'
