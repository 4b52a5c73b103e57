"""`manage.py token_lengths`: what a trainer's `max_length` would cut of a version."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from annotation.management.running import positive
from datasets_app import about
from datasets_app.models import Snapshot
from datasets_app.snapshot_files import keep_about
from datasets_app.token_lengths import MAX_LENGTH, NoTokenizer


class Command(BaseCommand):
    help = (
        "Count the tokens of a frozen version's rows, as `trl-stepwise` has them, under a "
        "tokenizer of transformers, and what a trainer would cut. The version's page shows it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dataset", metavar="PROJECT/DATASET")
        parser.add_argument("version", type=int)
        parser.add_argument("--tokenizer", required=True, metavar="NAME", help="folder or hub id")
        parser.add_argument("--max-length", type=positive, default=MAX_LENGTH, metavar="TOKENS")

    def handle(self, *args: Any, **options: Any) -> None:
        project, _, slug = options["dataset"].partition("/")
        named = {"dataset__project__slug": project, "dataset__slug": slug}
        snapshot = Snapshot.objects.frozen().filter(**named, version=options["version"]).first()
        if snapshot is None:
            raise CommandError(f"no version {options['version']} of {options['dataset']} is frozen")
        try:
            found = about.measure_tokens(snapshot, options["tokenizer"], options["max_length"])
        except NoTokenizer as error:
            raise CommandError(str(error)) from None
        files = about.write_token_lengths(snapshot, options["tokenizer"], found)
        with transaction.atomic():
            keep_about(snapshot, files)
        self.stdout.write(
            f"{found.rows:,} rows, the longest of {found.longest:,} tokens; "
            f"{found.too_long:,} are longer than {found.max_length:,} and would lose "
            f"{found.lost:,} of {found.labels:,} labels"
        )
