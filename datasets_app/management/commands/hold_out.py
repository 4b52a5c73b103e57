"""`manage.py hold_out`: problems that no dataset of a project may hold."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.models import Project
from datasets_app.held_out import NotHeldOut, hold_out
from datasets_app.importers import AUTO, Imported, importers_of, read_records
from datasets_app.lines import BadLine
from datasets_app.records import ProblemRecord
from datasets_app.sources import CannotRead


class Command(BaseCommand):
    help = "Keep the problems of a file, such as an evaluation set, for datasets to leave out."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="problems as JSON lines, .gz or .zst too")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--name", default="", help="the file's name unless given")
        formats = sorted(importers_of(ProblemRecord))
        parser.add_argument("--format", choices=[AUTO, *formats], default=AUTO)

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"no project has the slug {options['project']!r}")
        name = options["name"] or Path(options["file"]).name
        try:
            entries = list(read_records(options["file"], ProblemRecord, options["format"]))
            bad = [entry for entry in entries if isinstance(entry, BadLine)]
            if bad:
                # A set that is only half held out would be worse than none.
                raise CommandError(f"{bad[0]} ({len(bad):,} bad lines): nothing is held out")
            good = [entry for entry in entries if isinstance(entry, Imported)]
            held = hold_out(project=project, name=name, entries=good)
        except (CannotRead, NotHeldOut) as error:
            raise CommandError(f"{options['file']}: {error}") from None
        self.stdout.write(f"{held}: {len(held.texts):,} problems", self.style.SUCCESS)
