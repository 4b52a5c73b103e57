"""What every import does alike: batches, each of them whole or not at all."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar

from django.db import DataError, IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper

from annotation.models import Project
from datasets_app.importers import Imported
from datasets_app.lines import BadLine
from datasets_app.loading.occurrences import Counting, Occurrences
from datasets_app.records import AnnotationRecord, MarkedRecord, ProblemRecord, SolutionRecord

BATCH_SIZE = 1_000
BATCH_BYTES = 16 * 1024 * 1024
"""Of lines, the last of which may go beyond it: memory is held by them, however few they are."""
LOST_RACES = 3
"""How often a batch may find that another writer was faster before it gives up."""

R = TypeVar("R", ProblemRecord, SolutionRecord, AnnotationRecord, MarkedRecord)
Report = Callable[[BadLine], None]


@dataclass(slots=True, kw_only=True)
class Loaded:
    """What came of an import."""

    read: int = 0
    """Good records."""
    added: int = 0
    """Those that made a row of their own."""
    bad: int = 0
    """Bad lines."""

    @property
    def known(self) -> int:
        """Records that were there already, or said what another record of this import said."""
        return self.read - self.added


Write = Callable[[CursorWrapper], int]
"""Writes a batch within the transaction that is open; returns how many records were new.

It is called again, in a new transaction, where another writer got in between.
"""


class Loader(Protocol[R]):
    """Writes records, batch by batch, over one import."""

    def start(self, occurrences: Counting) -> None:
        """Make ready, once, before the first batch."""

    def prepare(self, project: Project, batch: list[Imported[R]], report: Report) -> Write:
        """Do what takes long and needs no lock; report what turns out to be bad.

        It is called again with parts of a batch that the tables refused.
        """


def load(
    loader: Loader[R],
    *,
    project_slug: str,
    entries: Iterable[Imported[R] | BadLine],
    strict: bool,
    report: Report,
) -> Loaded:
    """Write what is good in `entries` batch by batch and report what is bad.

    The project is made, if it is missing, for the first good records. Each batch is a
    transaction: an import that is killed keeps those it finished. With `strict` all of it is
    one transaction, which keeps nothing if anything is bad.
    """
    loaded = Loaded()

    def count_and_report(bad: BadLine) -> None:
        loaded.bad += 1
        report(bad)

    def take_back(bad: BadLine) -> None:
        loaded.read -= 1
        count_and_report(bad)

    with transaction.atomic() if strict else nullcontext(), connection.cursor() as cursor:
        loader.start(Occurrences(cursor))
        for batch in _batches(_good(entries, count_and_report)):
            loaded.read += len(batch)
            project, _ = Project.objects.get_or_create(
                slug=project_slug, defaults={"name": project_slug}
            )
            added, bad = _add(cursor, loader, project, batch, is_lost=strict and loaded.bad > 0)
            # Else it would be held while the next one is read.
            del batch
            loaded.added += added
            for line in bad:
                take_back(line)
        if strict and loaded.bad:
            transaction.set_rollback(True)
            loaded.added = 0
    return loaded


def prepare(
    loader: Loader[R], project: Project, batch: list[Imported[R]]
) -> Callable[[], tuple[int, list[BadLine]]]:
    """Do what takes long of one batch; return what writes it in the transaction that is open.

    That returns how many records were new, and what is bad.
    """
    bad: list[BadLine] = []
    write: Write | None = None
    # Else a value that the tables refuse: it is looked for when the batch is written.
    with suppress(DataError):
        write = loader.prepare(project, batch, bad.append)

    def add() -> tuple[int, list[BadLine]]:
        with connection.cursor() as cursor:
            if write is not None:
                with suppress(DataError):
                    return _write(cursor, project, write), bad
            return _add(cursor, loader, project, batch, is_lost=False)

    return add


def _good(entries: Iterable[Imported[R] | BadLine], report: Report) -> Iterator[Imported[R]]:
    for entry in entries:
        if isinstance(entry, BadLine):
            report(entry)
        else:
            yield entry


def _batches(good: Iterator[Imported[R]]) -> Iterator[list[Imported[R]]]:
    batch, length = [], 0
    for imported in good:
        batch.append(imported)
        length += imported.length
        if len(batch) == BATCH_SIZE or length >= BATCH_BYTES:
            yield batch
            batch, length = [], 0
    if batch:
        yield batch


def _add(
    cursor: CursorWrapper,
    loader: Loader[R],
    project: Project,
    batch: list[Imported[R]],
    *,
    is_lost: bool,
) -> tuple[int, list[BadLine]]:
    """Write a batch, unless `is_lost`; return how many records were new, and what is bad.

    A batch with a value that the tables refuse is written as two halves, and so on, until the
    record that holds it stands alone.
    """
    found: list[BadLine] = []
    try:
        write = loader.prepare(project, batch, found.append)
        return 0 if is_lost else _write(cursor, project, write), found
    except DataError as error:
        if len(batch) == 1:
            reason, *_ = str(error).splitlines()
            return 0, [batch[0].bad(f"cannot be kept: {reason}")]
    middle = len(batch) // 2
    added, bad = 0, []
    for half in (batch[:middle], batch[middle:]):
        added_of_half, bad_of_half = _add(cursor, loader, project, half, is_lost=is_lost)
        added += added_of_half
        bad += bad_of_half
    return added, bad


def _write(cursor: CursorWrapper, project: Project, write: Write) -> int:
    for lost in range(LOST_RACES + 1):
        try:
            with transaction.atomic():
                _keep_other_imports_out(project)
                added = write(cursor)
                # Foreign keys are checked here, rather than all at once when a strict import ends.
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            return added
        except IntegrityError:
            if lost == LOST_RACES:
                raise
    raise AssertionError("the loop returns or raises")


def _keep_other_imports_out(project: Project) -> None:
    """Wait for imports into the same project: they look for what is there before they add.

    Labelling goes on: rows that refer to the project do not wait for this lock.
    """
    Project.objects.lock(project.pk)
