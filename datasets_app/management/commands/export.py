"""`manage.py export`: what people and models marked, into a file of a training format."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, get_args

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress

from annotation.models import Project
from datasets_app.export import UnknownLabeler, annotations_of, write_rows
from datasets_app.exporters import EXPORTERS, get_exporter
from datasets_app.exporters.base import Alternatives, Exporter, Labels, Neutral, OptionRefused
from datasets_app.files import written_whole
from datasets_app.reading import read_annotations
from datasets_app.sources import STANDARD_INPUT as STANDARD_OUTPUT


class Command(BaseCommand):
    help = "Write a project's annotations to a file, which is there whole or not at all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--format", required=True, choices=sorted(EXPORTERS))
        parser.add_argument(
            "--output",
            required=True,
            metavar="FILE",
            help="JSON lines; .gz and .zst are compressed, - is standard output",
        )
        parser.add_argument(
            "--labelers",
            default="people",
            metavar="WHO",
            help="people (default, imported ones too), models, all, or a labeler's name or UUID",
        )
        parser.add_argument(
            "--surplus", action="store_true", help="late work that no slot was left for, too"
        )
        parser.add_argument(
            "--neutral",
            choices=get_args(Neutral),
            help="what a neutral rating becomes (docs/formats.md has each format's default)",
        )
        parser.add_argument(
            "--alternatives",
            choices=get_args(Alternatives),
            help="candidates beside the path",
        )
        parser.add_argument(
            "--truncate",
            action="store_true",
            default=None,
            help="end with the first negative step",
        )
        parser.add_argument(
            "--keep-after-error",
            action="store_false",
            dest="truncate",
            help="go on after it",
        )
        parser.add_argument(
            "--separator",
            metavar="TEXT",
            help=r"what the trainer puts between steps, where it can be chosen (\n, a line break)",
        )
        parser.add_argument(
            "--labels",
            choices=get_args(Labels),
            help="hard (default), or how right a step is: soft",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        exporter = _exporter(options)
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"no project has the slug {options['project']!r}")
        try:
            annotations = annotations_of(project, options["labelers"], surplus=options["surplus"])
        except UnknownLabeler as error:
            raise CommandError(str(error)) from None
        if not annotations.exists():
            raise CommandError(_nothing_to_export(project, options["labelers"]))
        try:
            with _output(options["output"]) as file, self._progress(annotations.count) as advance:
                exported = write_rows(
                    read_annotations(annotations), exporter, file, progress=advance
                )
        except (OSError, ValueError) as error:
            raise CommandError(f"cannot write {options['output']}: {error}") from None
        except KeyboardInterrupt:
            raise CommandError("interrupted: no file is written", returncode=130) from None
        said = f"{exported.annotations:,} annotations, {exported.rows:,} rows"
        if exported.left_out:
            said += f", {exported.left_out:,} annotations without a row"
        if options["output"] == STANDARD_OUTPUT:
            self.stderr.write(said, self.style.SUCCESS)
        else:
            self.stdout.write(f"{options['output']}: {said}")

    @contextmanager
    def _progress(self, count: Callable[[], int]) -> Iterator[Callable[[int], None] | None]:
        if not self.stderr.isatty():
            yield None
            return
        with Progress(console=Console(stderr=True)) as progress:
            bar = progress.add_task("annotations", total=count())
            yield lambda done: progress.update(bar, completed=done)


def _nothing_to_export(project: Project, labelers: str) -> str:
    """Say what there would be, so that no empty file takes the place of a good one."""
    models = annotations_of(project, "models").count()
    said = f"{project.slug} has no annotations by {labelers}: nothing is written"
    return f"{said}; models have {models:,}: --labelers models" if models else said


def _exporter(options: dict[str, Any]) -> Exporter:
    kind = get_exporter(options["format"])
    chosen = {
        name: options[name]
        for name in ("neutral", "alternatives", "truncate", "separator", "labels")
        if options[name] is not None
    }
    if "separator" in chosen:
        chosen["separator"] = chosen["separator"].replace(r"\n", "\n")
    try:
        return kind(replace(kind.defaults, **chosen))
    except OptionRefused as error:
        raise CommandError(str(error)) from None


@contextmanager
def _output(name: str) -> Iterator[IO[bytes]]:
    if name == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with written_whole(Path(name)) as file:
            yield file
