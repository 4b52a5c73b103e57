"""Versions of datasets: asked for, frozen, put into formats.

A version is frozen by a Run. Its first slice writes the solutions and marks of one moment; then a
slice for each shard and format writes rows; the last one writes what is said about the version.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from annotation import events, run_plans, runs
from annotation.models import Project, Run, RunSlice
from annotation.models.projects import ProjectQuerySet
from datasets_app import about, stored
from datasets_app.containers import suffix_of
from datasets_app.exporting import ExportedShard, options_of, write_shard
from datasets_app.freezing import Frozen, write_solutions
from datasets_app.held_out import PROJECT
from datasets_app.models import Dataset, Export, HeldOut, Snapshot, SnapshotFile
from datasets_app.rules import BadRules, Rules
from datasets_app.stored import Stored
from web.models import User

SOLUTIONS, SHARD, ABOUT, COMPARE = "solutions", "shard", "about", "compare"
"""What a slice's only entry begins with."""
OWN_FOLDERS = frozenset({"solutions", about.LENGTHS_FOLDER.rstrip("/")})
"""Of a version's own files: a format under such a name would take their places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A format that a snapshot is to be had in."""

    format: str
    container: str = "parquet"
    name: str = ""
    """Of its folder; the format's unless given."""
    options: dict[str, Any] = field(default_factory=dict)
    """Of `ExportOptions`, those that are to differ from the rules' and the format's own."""


class Refused(ValueError):
    """What was asked of a snapshot cannot be; the message says why."""


@transaction.atomic
def freeze(
    *,
    dataset: Dataset,
    rules: Rules,
    wanted: Sequence[Wanted] = (),
    user: User | None = None,
    seen: ProjectQuerySet | None = None,
    notes: str = "",
) -> Snapshot:
    """Begin a new version of `dataset`: a Run selects by `rules` and writes `wanted` formats.

    `seen` are the projects that may be held out: unless given, those that `user` may see (None
    sees all). Raises BadRules for held-out sets that there are not, or that are not seen;
    UnknownName, OptionRefused and Refused for formats.
    """
    if seen is None:
        seen = Project.objects.all() if user is None else Project.objects.visible_to(user)
    _check_held_out(dataset.project, rules, seen)
    Dataset.objects.select_for_update().get(pk=dataset.pk)
    last = dataset.snapshots.aggregate(last=Max("version"))["last"] or 0
    snapshot = Snapshot.objects.create(
        dataset=dataset, version=last + 1, rules=rules.as_json(), created_by=user, notes=notes
    )
    exports = _make_exports(snapshot, wanted)
    snapshot.run = _plan(snapshot, Run.Kind.FREEZE, [[SOLUTIONS]], user, exports)
    snapshot.save(update_fields=["run"])
    return snapshot


@transaction.atomic
def add_formats(*, snapshot: Snapshot, wanted: Sequence[Wanted], user: User | None = None) -> Run:
    """Put a frozen snapshot into more formats; its solutions and marks stay what they are.

    Raises Refused for one that is not frozen, and as `freeze` does for formats.
    """
    locked = Snapshot.objects.select_for_update().select_related("dataset").get(pk=snapshot.pk)
    if not locked.is_frozen:
        raise Refused("it is not frozen yet")
    exports = _make_exports(locked, wanted)
    return _plan(locked, Run.Kind.EXPORT, _shards_of(locked, exports), user, exports)


@transaction.atomic
def begin_comparison(*, before: Snapshot, after: Snapshot, user: User | None = None) -> Run:
    """Have the workers compare two frozen versions; `after` gets the file `compared_in(before)`."""
    entry = [COMPARE, before.pk]
    return _plan(after, Run.Kind.EXPORT, [entry], user, [], compared_with=before.version)


def compared_in(before: Snapshot) -> str:
    """Return the path of what a later version differs in from `before`."""
    return f"compared-with-v{before.version}.json"


def freeze_slice(piece: RunSlice) -> Callable[[], runs.Made]:
    """Do one slice of a Run that freezes or exports; what it returns writes the rows."""
    snapshot = Snapshot.objects.select_related("dataset__project").filter(
        uuid=piece.run.request["snapshot"]
    ).first()  # fmt: skip
    if snapshot is None:
        raise runs.CannotRun("the version was deleted")
    (entry,) = piece.payload
    match entry:
        case [str(part)] if part == SOLUTIONS:
            return _freeze_solutions(piece, snapshot)
        case [str(part), int(export_id), int(file_id)] if part == SHARD:
            export = snapshot.exports.get(pk=export_id)
            export.snapshot = snapshot
            file = snapshot.files.get(pk=file_id)
            return partial(_keep_shard, piece, export, file, write_shard(export, file))
        case [str(part), int(other_id)] if part == COMPARE:
            other = snapshot.dataset.snapshots.get(pk=other_id)
            comparison = about.write_comparison(other, snapshot)
            return partial(_keep_comparison, snapshot, other, comparison)
        case _:
            exports = list(snapshot.exports.filter(pk__in=piece.run.request["exports"]))
            told = {*snapshot.exports.filter(is_whole=True), *exports}
            return partial(_end, piece, snapshot, exports, told, about.write(snapshot, told))


def _check_held_out(project: Project, rules: Rules, seen: ProjectQuerySet) -> None:
    errors = {}
    for place, name in enumerate(rules.held_out):
        if name.startswith(PROJECT):
            is_there = seen.filter(slug=name.removeprefix(PROJECT)).exists()
        else:
            is_there = HeldOut.objects.filter(project=project, name=name).exists()
        if not is_there:
            errors[f"held_out[{place}]"] = f"nothing is held out under the name {name!r}"
    if errors:
        raise BadRules(errors)


def _make_exports(snapshot: Snapshot, wanted: Sequence[Wanted]) -> list[Export]:
    rules, made = Rules.from_json(snapshot.rules), []
    taken = set(snapshot.exports.values_list("name", flat=True))
    for one in wanted:
        name = one.name or one.format
        if name in taken:
            raise Refused(f"two formats cannot have the same folder {name!r}: give one a name")
        if name in OWN_FOLDERS:
            raise Refused(f"the folder {name!r} is of the version's own files: choose another name")
        taken.add(name)
        suffix_of(one.container)
        options = options_of(one.format, rules, one.options)
        made.append(
            Export.objects.create(
                snapshot=snapshot,
                name=name,
                format=one.format,
                container=one.container,
                options=asdict(options),
            )
        )
    return made


def _plan(
    snapshot: Snapshot,
    kind: Run.Kind,
    entries: Iterable[list[Any]],
    user: User | None,
    exports: Sequence[Export],
    **more: Any,
) -> Run:
    request = {
        "snapshot": str(snapshot.uuid),
        "name": str(snapshot),
        "exports": [export.pk for export in exports],
        **more,
    }
    run = run_plans.open_run(
        project=snapshot.dataset.project,
        kind=kind,
        identity=request,
        request=request,
        user=user,
    )
    run_plans.add_slices(run, ([entry] for entry in entries))
    return run


def _shards_of(snapshot: Snapshot, exports: Iterable[Export]) -> list[list[Any]]:
    shards = snapshot.files.filter(kind=SnapshotFile.Kind.SOLUTIONS).order_by("split", "shard")
    files = list(shards.values_list("pk", flat=True))
    parts = [[SHARD, export.pk, file] for export in exports for file in files]
    return parts or [[ABOUT]]


def _freeze_solutions(piece: RunSlice, snapshot: Snapshot) -> Callable[[], runs.Made]:
    project, rules = snapshot.dataset.project, Rules.from_json(snapshot.rules)
    try:
        frozen = write_solutions(project, rules, folder=str(snapshot.uuid))
    except BadRules as error:
        raise _failed(snapshot, str(error)) from None
    if not frozen.shards:
        raise _failed(snapshot, "the rules leave nothing to freeze: " + _why_empty(frozen))
    return partial(_keep_solutions, piece, snapshot, frozen)


def _failed(snapshot: Snapshot, why: str) -> runs.CannotRun:
    Snapshot.objects.filter(pk=snapshot.pk).update(state=Snapshot.State.FAILED)
    return runs.CannotRun(why)


def _why_empty(frozen: Frozen) -> str:
    chosen = frozen.chosen
    held_out = chosen.held_out.total()
    if not chosen.problems:
        return "no problem of the project meets them"
    if held_out == chosen.problems:
        return f"all {held_out:,} problems are held out"
    return (
        f"{chosen.problems:,} problems, {held_out:,} of them held out,"
        " have no solution with such marks"
    )


def _keep_solutions(piece: RunSlice, snapshot: Snapshot, frozen: Frozen) -> runs.Made:
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
    parts = _shards_of(snapshot, snapshot.exports.order_by("name"))
    run_plans.add_slices(run, ([part] for part in parts))
    return runs.Made(done=1)


def _keep_shard(
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


def _keep_comparison(snapshot: Snapshot, other: Snapshot, file: Stored) -> runs.Made:
    _keep_file(snapshot, None, SnapshotFile.Kind.ABOUT, compared_in(other), file)
    return runs.Made(done=1)


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


def _end(
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
        return runs.Made(done=1)
    for path, file in files.items():
        _keep_file(snapshot, None, SnapshotFile.Kind.ABOUT, path, file)
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
