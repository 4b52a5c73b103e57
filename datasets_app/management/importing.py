"""What the import commands share: options, progress, the report of bad lines, the exit code."""

from abc import abstractmethod
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from annotation.models import Project
from datasets_app.importers import AUTO, importers_of
from datasets_app.lines import BadLine
from datasets_app.loading import Loaded
from datasets_app.records import Record
from datasets_app.sources import STANDARD_INPUT, CannotRead, display_name
from web.registry import UnknownName

SHOWN_BAD_LINES = 50
INTERRUPTED = 130
Advance = Callable[[int], None]


class ImportCommand(BaseCommand):
    """Reads one file into one project, which is made if it is missing."""

    kind: ClassVar[type[Record]]
    noun: ClassVar[str]
    """What the records are called, in the plural."""
    is_work: ClassVar[bool] = False
    """Whether people can mark them once they are routed."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", metavar="FILE", help="JSON lines, .gz or .zst too; - is standard input"
        )
        parser.add_argument(
            "--project", required=True, metavar="SLUG", help="made if there is none of this name"
        )
        formats = sorted(importers_of(self.kind))
        if len(formats) > 1:
            parser.add_argument("--format", choices=[AUTO, *formats], default=AUTO)
        parser.add_argument("--strict", action="store_true", help="keep nothing if any line is bad")

    @abstractmethod
    def load(
        self, report: Callable[[BadLine], None], advance: Advance, options: dict[str, Any]
    ) -> Loaded:
        """Import `options["file"]`."""

    def handle(self, *args: Any, **options: Any) -> None:
        _check_slug(options["project"])
        self._shown = 0
        try:
            with self._progress(options["file"]) as (say, advance):
                loaded = self.load(partial(self._report, say), advance, options)
        except (CannotRead, UnknownName) as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError(_interrupted(options["strict"]), returncode=INTERRUPTED) from None
        self._sum_up(loaded, display_name(options["file"]), strict=options["strict"])
        if self.is_work and loaded.added:
            slug = options["project"]
            self.stdout.write(f"manage.py route --project {slug} gives solutions out to people")

    def _report(self, say: Callable[[str], None], bad: BadLine) -> None:
        self._shown += 1
        if self._shown <= SHOWN_BAD_LINES:
            say(str(bad))
        elif self._shown == SHOWN_BAD_LINES + 1:
            say("more bad lines are counted, but not shown")

    def _sum_up(self, loaded: Loaded, file: str, *, strict: bool) -> None:
        is_refused = strict and loaded.bad > 0
        known = 0 if is_refused else loaded.known
        self.stdout.write(
            f"{file}: {loaded.read:,} {self.noun} read, {loaded.added:,} added, "
            f"{known:,} already there, {_lines(loaded.bad)}"
        )
        if is_refused:
            raise CommandError(f"{_lines(loaded.bad)}: nothing is kept")
        if loaded.bad:
            raise CommandError(f"{_lines(loaded.bad)}: the good ones are kept")

    @contextmanager
    def _progress(self, file: str) -> Iterator[tuple[Callable[[str], None], Advance]]:
        """Draw a bar of the bytes read, on a terminal; give what says a line, and what moves it."""
        if not self.stderr.isatty():
            yield self.stderr.write, lambda _: None
            return
        size = None if file == STANDARD_INPUT else _size(file)
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        ) as progress:
            bar = progress.add_task(self.noun, total=size)
            say = partial(progress.console.print, markup=False, highlight=False, soft_wrap=True)
            yield say, lambda done: progress.update(bar, completed=done)


def _size(file: str) -> int | None:
    path = Path(file)
    return path.stat().st_size if path.is_file() else None


def _check_slug(slug: str) -> None:
    try:
        Project._meta.get_field("slug").run_validators(slug)
    except ValidationError as error:
        raise CommandError(f"--project {slug!r}: {' '.join(error.messages)}") from None


def _lines(count: int) -> str:
    return f"{count:,} bad line{'' if count == 1 else 's'}"


def _interrupted(strict: bool) -> str:
    if strict:
        return "interrupted: nothing is kept"
    return "interrupted: finished batches are kept, and the same command adds what is missing"
