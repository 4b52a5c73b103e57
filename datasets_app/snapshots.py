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

from annotation import run_plans, runs
from annotation.models import Project, Run, RunSlice
from annotation.models.projects import ProjectQuerySet
from datasets_app import about
from datasets_app.containers import suffix_of
from datasets_app.exporting import options_of, write_shard
from datasets_app.freezing import Frozen, write_solutions
from datasets_app.held_out import PROJECT
from datasets_app.models import Dataset, Export, HeldOut, Snapshot
from datasets_app.rules import BadRules, Rules
from datasets_app.snapshot_files import (
    COMPARE,
    LENGTHS,
    SHARD,
    SOLUTIONS,
    end,
    keep_about,
    keep_shard,
    keep_solutions,
    shards_of,
)
from datasets_app.token_lengths import NoTokenizer
from web.models import User

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
    return _plan(locked, Run.Kind.EXPORT, shards_of(locked, exports), user, exports)


@transaction.atomic
def begin_comparison(*, before: Snapshot, after: Snapshot, user: User | None = None) -> Run:
    """Have the workers compare two frozen versions; `after` gets a file `about.compared_in`."""
    entry = [COMPARE, before.pk]
    return _plan(after, Run.Kind.EXPORT, [entry], user, [], compared_with=before.version)


@transaction.atomic
def begin_token_lengths(
    *, snapshot: Snapshot, tokenizer: str, max_length: int, user: User | None = None
) -> Run:
    """Have a worker count a frozen version's rows under a tokenizer, which it gets a file of.

    `tokenizer` is a folder of the worker's or a name on the hub: for superusers alone.
    """
    entry = [LENGTHS, tokenizer, max_length]
    asked = {"tokenizer": tokenizer, "max_length": max_length}
    return _plan(snapshot, Run.Kind.EXPORT, [entry], user, [], **asked)


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
            return partial(keep_shard, piece, export, file, write_shard(export, file))
        case [str(part), int(other_id)] if part == COMPARE:
            other = snapshot.dataset.snapshots.get(pk=other_id)
            return partial(keep_about, snapshot, about.write_comparison(other, snapshot))
        case [str(part), str(tokenizer), int(max_length)] if part == LENGTHS:
            return _measure_tokens(snapshot, tokenizer, max_length)
        case _:
            exports = list(snapshot.exports.filter(pk__in=piece.run.request["exports"]))
            told = {*snapshot.exports.filter(is_whole=True), *exports}
            return partial(end, piece, snapshot, exports, told, about.write(snapshot, told))


def _measure_tokens(snapshot: Snapshot, tokenizer: str, max_length: int) -> Callable[[], runs.Made]:
    try:
        found = about.measure_tokens(snapshot, tokenizer, max_length)
    except NoTokenizer as error:
        raise runs.CannotRun(str(error)) from None
    files = about.write_token_lengths(snapshot, tokenizer, found)
    return partial(keep_about, snapshot, files)


def _check_held_out(project: Project, rules: Rules, seen: ProjectQuerySet) -> None:
    errors = {}
    for place, name in enumerate(rules.held_out):
        if name.startswith(PROJECT):
            is_there = seen.filter(slug=name.removeprefix(PROJECT)).exists()
        else:
            # Locked: it is not forgotten before there is a version that names it.
            held = HeldOut.objects.select_for_update(no_key=True).filter(project=project, name=name)
            is_there = bool(held.values_list("pk"))
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


def _freeze_solutions(piece: RunSlice, snapshot: Snapshot) -> Callable[[], runs.Made]:
    project, rules = snapshot.dataset.project, Rules.from_json(snapshot.rules)
    try:
        frozen = write_solutions(project, rules, folder=str(snapshot.uuid))
    except BadRules as error:
        raise _failed(snapshot, str(error)) from None
    if not frozen.shards:
        raise _failed(snapshot, "the rules leave nothing to freeze: " + _why_empty(frozen))
    return partial(keep_solutions, piece, snapshot, frozen)


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
        f"{chosen.problems:,} problems, {held_out:,} of them held out and {chosen.reported:,}"
        " reported as bad, have no solution with such marks"
    )
