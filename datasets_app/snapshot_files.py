"""What the slices of a Run that freezes or exports have made, written down: a version's files.

All of it is called within the transaction in which the slice ends.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotation import events, run_plans, runs
from annotation.models import Run, RunSlice
from datasets_app import about, stored
from datasets_app.containers import suffix_of
from datasets_app.exporting import ExportedShard
from datasets_app.freezing import Frozen
from datasets_app.models import Export, Snapshot, SnapshotFile
from datasets_app.stored import Stored

SOLUTIONS, SHARD, ABOUT, COMPARE, LENGTHS = "solutions", "shard", "about", "compare", "lengths"
"""What a slice's only entry begins with."""


def shards_of(snapshot: Snapshot, exports: Iterable[Export]) -> list[list[Any]]:
    shards = snapshot.files.filter(kind=SnapshotFile.Kind.SOLUTIONS).order_by("split", "shard")
    files = list(shards.values_list("pk", flat=True))
    parts = [[SHARD, export.pk, file] for export in exports for file in files]
    return parts or [[ABOUT]]


def keep_solutions(piece: RunSlice, snapshot: Snapshot, frozen: Frozen) -> runs.Made:
    """Write down what was frozen and plan what is to be made of it. Needs a transaction."""
    for shard in frozen.shards:
        path = f"solutions/{shard.split}-{shard.number:05d}.jsonl.zst"
        _keep_file(
            snapshot, None, SnapshotFile.Kind.SOLUTIONS, path, shard.file,
            split=shard.split, shard=shard.number, rows=shard.solutions,
        )  # fmt: skip
    snapshot.content_hash = frozen.content_hash
    snapshot.manifest = about.manifest_of_solutions(frozen)
    snapshot.state = Snapshot.State.FREEZING
    snapshot.save(update_fields=["content_hash", "manifest", "state"])
    run = Run.objects.select_for_update().get(pk=piece.run_id)
    parts = shards_of(snapshot, snapshot.exports.order_by("name"))
    run_plans.add_slices(run, ([part] for part in parts))
    return runs.Made(done=1)


def keep_shard(
    piece: RunSlice, export: Export, file: SnapshotFile, made: ExportedShard
) -> runs.Made:
    """Write down the files of one shard; after the last one, plan the last slice."""
    kinds, snapshot = SnapshotFile.Kind, export.snapshot
    name = f"{file.split}-{file.shard:05d}"
    facts = {"split": file.split, "shard": file.shard, "rows": made.n_rows}
    path = f"{export.name}/{name}{suffix_of(export.container)}"
    _keep_file(snapshot, export, kinds.ROWS, path, made.rows, **facts, left_out=made.left_out)
    if made.origins is not None:
        path = f"{export.name}/origins/{name}.jsonl.zst"
        _keep_file(snapshot, export, kinds.ORIGINS, path, made.origins, **facts)
    # The Run is locked: of two last shards that end together, the second sees the first.
    run = Run.objects.select_for_update().get(pk=piece.run_id)
    exports = run.request["exports"]
    n_made = snapshot.files.filter(kind=kinds.ROWS, export__in=exports).count()
    if n_made == len(exports) * snapshot.files.filter(kind=kinds.SOLUTIONS).count():
        run_plans.add_slices(run, [[[ABOUT]]])
    return runs.Made(done=1)


def keep_about(snapshot: Snapshot, files: Mapping[str, Stored]) -> runs.Made:
    """Write down files about a version, by path; those that they take the place of are deleted.

    Nobody else names these: each file about a version has a name of its own in the storage.
    """
    paths = snapshot.files.filter(kind=SnapshotFile.Kind.ABOUT, path__in=files)
    # Locked: what another slice puts there meanwhile is replaced, too, and not forgotten.
    replaced = list(paths.select_for_update().values_list("stored_as", flat=True))
    for path, file in files.items():
        _keep_file(snapshot, None, SnapshotFile.Kind.ABOUT, path, file)
    _drop_when_done(replaced)
    return runs.Made(done=1)


def _drop_when_done(names: Iterable[str]) -> None:
    """Delete kept files after the transaction: a file that cannot be deleted fails nothing."""
    transaction.on_commit(partial(stored.drop, list(names)), robust=True)


def _keep_file(
    snapshot: Snapshot,
    export: Export | None,
    kind: SnapshotFile.Kind,
    path: str,
    file: Stored,
    **facts: Any,
) -> None:
    SnapshotFile.objects.update_or_create(
        snapshot=snapshot,
        path=path,
        defaults={
            "export": export,
            "kind": kind,
            "size": file.size,
            "sha256": file.sha256,
            "stored_as": file.name,
            **facts,
        },
    )


def end(
    piece: RunSlice,
    snapshot: Snapshot,
    exports: Sequence[Export],
    told: set[Export],
    files: dict[str, Stored],
) -> runs.Made:
    """Write down the files about the version, which tell of these formats; it is frozen with that.

    Where another format was added meanwhile, another slice tells of it, too.
    """
    Snapshot.objects.select_for_update().get(pk=snapshot.pk)
    snapshot.exports.filter(pk__in=[export.pk for export in exports]).update(is_whole=True)
    if set(snapshot.exports.filter(is_whole=True)) != told:
        run_plans.add_slices(Run.objects.select_for_update().get(pk=piece.run_id), [[[ABOUT]]])
        _drop_when_done(file.name for file in files.values())
        return runs.Made(done=1)
    keep_about(snapshot, files)
    if not snapshot.is_frozen:
        snapshot.state, snapshot.frozen_at = Snapshot.State.FROZEN, timezone.now()
        snapshot.save(update_fields=["state", "frozen_at"])
        # Nobody adds formats before this: what else is there was left by killed workers.
        stored.drop_others(
            str(snapshot.uuid), set(snapshot.files.values_list("stored_as", flat=True))
        )
        events.publish(snapshot.dataset.project, events.SNAPSHOT_READY, [_news(snapshot)])
    return runs.Made(done=1)


def _news(snapshot: Snapshot) -> dict[str, Any]:
    """Return what a webhook tells of a version that is ready (docs/webhooks.md)."""
    return {
        "snapshot": {
            "dataset": snapshot.dataset.slug,
            "version": snapshot.version,
            "content_hash": snapshot.content_hash,
        }
    }
