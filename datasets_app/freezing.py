"""A project's solutions and marks of one moment, into the files of a snapshot."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import IO

import orjson
from django.db import connection, transaction

from annotation.models import Project
from datasets_app import stored
from datasets_app.files import BUFFER_BYTES, compressed
from datasets_app.held_out import held_out_texts
from datasets_app.marked import Json, MarkedSolution
from datasets_app.reading import read
from datasets_app.rules import Rules
from datasets_app.selection import CHOSEN, Chosen, choose
from datasets_app.stored import Stored
from datasets_app.tally import SplitTally

SUFFIX = ".jsonl.zst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A file of whole problems of one split, in order."""

    split: str
    number: int
    solutions: int
    content: str
    """SHA-256 of the lines, whatever compresses them."""
    file: Stored


@dataclass(slots=True, kw_only=True)
class Frozen:
    """What a snapshot is made of."""

    shards: list[Shard] = field(default_factory=list)
    tallies: dict[str, SplitTally] = field(default_factory=dict)
    chosen: Chosen
    held_out: Json
    """Digest and size of each held-out set, by name."""

    @property
    def content_hash(self) -> str:
        whole = sha256()
        for shard in self.shards:
            whole.update(f"{shard.split} {shard.number} {shard.content}\n".encode())
        return whole.hexdigest()


def write_solutions(project: Project, rules: Rules, *, folder: str) -> Frozen:
    """Write what `rules` select now to files in `folder` of the storage.

    All is read from one snapshot of the database: what is marked meanwhile is not in it. Raises
    BadRules for names that there are not. Must not be called within a transaction.
    """
    with stored.drafted() as drafts, transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        texts, known = held_out_texts(project, rules.held_out)
        frozen = Frozen(chosen=choose(project, rules, texts), held_out=known)
        solutions = read(CHOSEN)
        for split, of_split in groupby(solutions, key=attrgetter("split")):
            tally = frozen.tallies[split] = SplitTally()
            for number, batch in enumerate(_shards(of_split, rules.shard_solutions)):
                path = drafts / f"{split}-{number}{SUFFIX}"
                n_solutions, content = _write(path, batch, tally)
                shard = Shard(
                    split=split,
                    number=number,
                    solutions=n_solutions,
                    content=content,
                    file=stored.keep(path, folder=folder),
                )
                frozen.shards.append(shard)
    return frozen


def _shards(
    solutions: Iterable[MarkedSolution], size: int
) -> Iterator[Iterator[list[MarkedSolution]]]:
    """Cut into shards of at least `size` solutions, but for the last; each is of whole problems.

    Each must be used up before the next.
    """
    problems = (list(group) for _, group in groupby(solutions, key=attrgetter("problem_id")))
    for first in problems:
        yield _shard(first, problems, size)


def _shard(
    first: list[MarkedSolution], problems: Iterator[list[MarkedSolution]], size: int
) -> Iterator[list[MarkedSolution]]:
    yield first
    n_solutions = len(first)
    while n_solutions < size and (of_problem := next(problems, None)) is not None:
        yield of_problem
        n_solutions += len(of_problem)


def _write(
    path: Path, problems: Iterable[list[MarkedSolution]], tally: SplitTally
) -> tuple[int, str]:
    """Write solutions as JSON lines; return how many, and the SHA-256 of the lines."""
    n_solutions, content, last = 0, sha256(), None
    with ExitStack() as stack:
        raw = stack.enter_context(path.open("xb", buffering=BUFFER_BYTES))
        file: IO[bytes] = stack.enter_context(compressed(raw, path.suffix))
        for of_problem in problems:
            tally.problems += 1
            for one in of_problem:
                line = orjson.dumps(
                    one.as_json(), option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SORT_KEYS
                )
                file.write(line)
                content.update(line)
                tally.count(one, is_new=one.id != last)
                last = one.id
                n_solutions += 1
    return n_solutions, content.hexdigest()
