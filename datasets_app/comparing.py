"""What two versions differ in: problems, solutions and marks added, removed, changed.

Both are read once, side by side: the files of a version are in the order of their
problems' ids within a split, so that no more than one problem is held in memory.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from itertools import chain, groupby
from operator import attrgetter, itemgetter

import orjson

from datasets_app.exporting import read_shard
from datasets_app.marked import Json, MarkedSolution
from datasets_app.models import Snapshot, SnapshotFile

LISTED = 200
"""Solutions that a comparison names; the others are counted."""
EXCERPT = 200
"""Characters of a problem that it quotes."""


@dataclass(slots=True)
class Counts:
    added: int = 0
    removed: int = 0
    changed: int = 0
    same: int = 0


@dataclass(slots=True)
class Comparison:
    """What the second of two versions has that the first has not, and so on."""

    problems: Counts = field(default_factory=Counts)
    """Changed is one that went to another split."""
    solutions: Counts = field(default_factory=Counts)
    """Changed is one that went to another split."""
    marks: Counts = field(default_factory=Counts)
    """One labeler's, or a verdict's, of one solution; changed are other marks of the same."""
    listed: list[Json] = field(default_factory=list)
    """Solutions with what became of their marks; the first LISTED."""

    def as_json(self) -> Json:
        return asdict(self)


Marks = dict[tuple[str, str], list[bytes]]
"""Digests of the marks of a solution, by kind and name of the labeler."""


@dataclass(slots=True)
class Held:
    """What one version has of a problem."""

    split: str
    text: str
    solutions: dict[str, Marks] = field(default_factory=dict)


def compare(before: Snapshot, after: Snapshot) -> Comparison:
    """Compare what two frozen versions hold."""
    found = Comparison()
    both = heapq.merge(_problems(before, 0), _problems(after, 1), key=itemgetter(0, 1))
    for _, group in groupby(both, key=itemgetter(0)):
        sides: dict[int, Held] = {side: held for _, side, held in group}
        _count_problem(found, sides.get(0), sides.get(1))
    return found


def _problems(snapshot: Snapshot, side: int) -> Iterator[tuple[str, int, Held]]:
    """Yield id, `side` and content of a version's problems, by id: each split is in that order."""
    files = snapshot.files.filter(kind=SnapshotFile.Kind.SOLUTIONS).order_by("split", "shard")
    splits = [list(group) for _, group in groupby(files, key=attrgetter("split"))]
    streams = [chain.from_iterable(map(read_shard, of_split)) for of_split in splits]
    by_id = attrgetter("problem_id")
    for problem_id, solutions in groupby(heapq.merge(*streams, key=by_id), key=by_id):
        yield problem_id, side, _held(solutions)


def _held(solutions: Iterable[MarkedSolution]) -> Held:
    held = None
    for one in solutions:
        held = held or Held(one.split, one.record["question"]["problem"])
        marks = held.solutions.setdefault(one.id, {})
        marks.setdefault((one.labeler_kind, one.labeler), []).append(_digest(one))
    assert held
    return held


def _digest(one: MarkedSolution) -> bytes:
    """Return a digest of what was marked: not of when, nor of what others marked."""
    label = {name: value for name, value in one.record["label"].items() if name != "total_time"}
    said = orjson.dumps([label, one.marks, one.score, one.rule], option=orjson.OPT_SORT_KEYS)
    return sha256(said).digest()


def _count_problem(found: Comparison, old: Held | None, new: Held | None) -> None:
    moved = bool(old and new and old.split != new.split)
    _count(found.problems, old, new, is_changed=moved)
    solutions_before = old.solutions if old else {}
    solutions_after = new.solutions if new else {}
    for solution_id in sorted({*solutions_before, *solutions_after}):
        before, after = solutions_before.get(solution_id), solutions_after.get(solution_id)
        _count(found.solutions, before, after, is_changed=moved)
        marks = Counts()
        for labeler in sorted({*(before or {}), *(after or {})}):
            of_old = sorted((before or {}).get(labeler, []))
            of_new = sorted((after or {}).get(labeler, []))
            _count(marks, of_old, of_new, is_changed=of_old != of_new)
        _note(found, (new or old, solution_id), before, after, marks, moved=moved)


def _note(
    found: Comparison,
    where: tuple[Held | None, str],
    before: Marks | None,
    after: Marks | None,
    marks: Counts,
    *,
    moved: bool,
) -> None:
    """Add the marks of a solution up, and name it where anything of it differs."""
    for name in Counts.__slots__:
        setattr(found.marks, name, getattr(found.marks, name) + getattr(marks, name))
    differs = moved or marks.added or marks.removed or marks.changed
    if differs and len(found.listed) < LISTED:
        held, solution_id = where
        assert held
        found.listed.append(
            {
                "solution_id": solution_id,
                "problem": held.text[:EXCERPT],
                "split": held.split,
                "is": "added" if before is None else "removed" if after is None else "changed",
                "marks": asdict(marks),
            }
        )


def _count(counts: Counts, old: object, new: object, *, is_changed: bool) -> None:
    if not old:
        counts.added += 1
    elif not new:
        counts.removed += 1
    elif is_changed:
        counts.changed += 1
    else:
        counts.same += 1
