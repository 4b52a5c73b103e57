"""What is said about a version of a dataset, in files beside its rows."""

from collections.abc import Collection, Sequence
from importlib.metadata import version
from operator import itemgetter
from pathlib import Path

import orjson
from django.db.models import Sum
from django.utils.text import slugify

from datasets_app import card, stored
from datasets_app.comparing import compare
from datasets_app.croissant import croissant
from datasets_app.exporters.base import ExportOptions, OptionRefused
from datasets_app.exporters.trl_stepwise import TrlStepwiseExporter
from datasets_app.exporting import options_of, read_shard
from datasets_app.freezing import Frozen
from datasets_app.marked import Json
from datasets_app.models import Export, Snapshot, SnapshotFile
from datasets_app.rules import Rules
from datasets_app.stored import Stored
from datasets_app.token_lengths import TokenLengths, measure, tokenizer_named

MANIFEST_FORMAT = 1
LENGTHS_FOLDER = "token-lengths/"
LISTED = 1_000
"""Held-out problems that the manifest names; the others are counted."""
_PRETTY = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


def manifest_of_solutions(frozen: Frozen) -> Json:
    """Return what the manifest says of the solutions and marks: counts, and what was left out."""
    chosen = frozen.chosen
    return {
        "stepmark": version("stepmark"),
        "splits": {name: tally.as_json() for name, tally in sorted(frozen.tallies.items())},
        "held_out": {
            name: {**facts, "left_out": chosen.held_out[name]}
            for name, facts in sorted(frozen.held_out.items())
        },
        "held_out_problems": sorted(chosen.held_out_problems, key=itemgetter("problem"))[:LISTED],
        "problems_seen": chosen.problems,
        "duplicates": chosen.duplicates,
        "reported": chosen.reported,
        "torn": chosen.torn,
        "labelers_left_out": chosen.labelers_left_out,
        "shards": [
            {
                "split": shard.split,
                "shard": shard.number,
                "solutions": shard.solutions,
                "content": shard.content,
            }
            for shard in frozen.shards
        ],
    }


def manifest(snapshot: Snapshot, exports: Sequence[Export]) -> Json:
    """Return all that `manifest.json` says. No time is in it: the same content says the same."""
    files = snapshot.files.exclude(kind=SnapshotFile.Kind.ABOUT).order_by("path")
    left_out = dict(
        files.order_by().values_list("export").annotate(Sum("left_out")).exclude(export=None)
    )
    return {
        "manifest": MANIFEST_FORMAT,
        "dataset": str(snapshot.dataset),
        "version": snapshot.version,
        "content_hash": snapshot.content_hash,
        "rules": snapshot.rules,
        **snapshot.manifest,
        "exports": {
            export.name: {
                "format": export.format,
                "container": export.container,
                "options": export.options,
                "left_out": left_out.get(export.pk, 0),
            }
            for export in exports
        },
        "files": [
            {
                "path": file.path,
                "kind": file.kind,
                "split": file.split,
                "rows": file.rows,
                "size": file.size,
                "sha256": file.sha256,
            }
            for file in files
            if file.export_id is None or file.export_id in {export.pk for export in exports}
        ],
    }


def write(snapshot: Snapshot, told: Collection[Export]) -> dict[str, Stored]:
    """Write and keep the files about a snapshot, which tell of the formats `told`; by paths."""
    exports = sorted(told, key=lambda export: export.name)
    said = manifest(snapshot, exports)
    texts: dict[str, bytes] = {
        "manifest.json": orjson.dumps(said, option=_PRETTY),
        "README.md": card.written(snapshot, said).encode(),
        "croissant.json": orjson.dumps(_croissant(snapshot, said), option=_PRETTY),
    }
    with stored.drafted() as drafts:
        return {path: _kept(drafts / path, text, snapshot) for path, text in texts.items()}


def _croissant(snapshot: Snapshot, said: Json) -> Json:
    dataset = snapshot.dataset
    return croissant(
        name=str(dataset),
        title=dataset.title,
        description=dataset.description,
        license_name=dataset.license,
        version=snapshot.version,
        said=said,
    )


def compared_in(before: Snapshot) -> str:
    """Return the path of what a later version differs in from `before`."""
    return f"compared-with-v{before.version}.json"


def write_comparison(before: Snapshot, after: Snapshot) -> dict[str, Stored]:
    """Compare two versions of a dataset and keep what they differ in; by path."""
    said = orjson.dumps(compare(before, after).as_json(), option=_PRETTY)
    with stored.drafted() as drafts:
        return {compared_in(before): _kept(drafts / "comparison.json", said, after)}


def measure_tokens(snapshot: Snapshot, tokenizer: str, max_length: int) -> TokenLengths:
    """Return how long a version's rows are under a tokenizer. Raises NoTokenizer."""
    count, starts_with = tokenizer_named(tokenizer)
    files = snapshot.files.filter(kind=SnapshotFile.Kind.SOLUTIONS).order_by("split", "shard")
    solutions = (one for file in files for one in read_shard(file))
    return measure(
        solutions,
        count,
        max_length=max_length,
        starts_with=starts_with,
        options=_stepwise_options(snapshot),
    )


def _stepwise_options(snapshot: Snapshot) -> ExportOptions:
    """Return how `trl-stepwise` is written: as the version has it, else as its rules say."""
    name = TrlStepwiseExporter.name
    export = snapshot.exports.filter(format=name).order_by("pk").first()
    if export is not None:
        return ExportOptions(**export.options)
    try:
        return options_of(name, Rules.from_json(snapshot.rules), {})
    except OptionRefused:  # rules for formats that can do more
        return TrlStepwiseExporter.defaults


def write_token_lengths(
    snapshot: Snapshot, tokenizer: str, found: TokenLengths
) -> dict[str, Stored]:
    """Keep how long the rows of a version are under a tokenizer; by path."""
    said = orjson.dumps({"tokenizer": tokenizer, **found.as_json()}, option=_PRETTY)
    path = f"{LENGTHS_FOLDER}{slugify(tokenizer)[-100:] or 'tokenizer'}.json"
    with stored.drafted() as drafts:
        return {path: _kept(drafts / "lengths.json", said, snapshot)}


def token_lengths(snapshot: Snapshot) -> list[Json]:
    """Return what is known of the lengths of a version's rows, by tokenizer."""
    found = []
    for file in snapshot.files.filter(path__startswith=LENGTHS_FOLDER).order_by("path"):
        with file.opened() as kept:
            found.append(orjson.loads(kept.read()))
    return found


def _kept(path: Path, text: bytes, snapshot: Snapshot) -> Stored:
    path.write_bytes(text)
    return stored.keep(path, folder=str(snapshot.uuid), alone=True)
