"""`manage.py token_lengths`: what a trainer's `max_length` would cut of a version."""

from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.management.running import positive
from datasets_app import about
from datasets_app.exporters.base import ExportOptions, OptionRefused
from datasets_app.exporters.trl_stepwise import TrlStepwiseExporter
from datasets_app.exporting import options_of, read_shard
from datasets_app.models import Snapshot, SnapshotFile
from datasets_app.rules import Rules
from datasets_app.token_lengths import Count, measure

MAX_LENGTH = 1024
"""Of TRL's PRM trainer, unless it is told another one."""


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
        count, starts_with = _tokenizer(options["tokenizer"])
        files = snapshot.files.filter(kind=SnapshotFile.Kind.SOLUTIONS).order_by("split", "shard")
        found = measure(
            (one for file in files for one in read_shard(file)),
            count,
            max_length=options["max_length"],
            starts_with=starts_with,
            options=_options(snapshot),
        )
        about.keep_token_lengths(snapshot, options["tokenizer"], found.as_json())
        self.stdout.write(
            f"{found.rows:,} rows, the longest of {found.longest:,} tokens; "
            f"{found.too_long:,} are longer than {found.max_length:,} and would lose "
            f"{found.lost:,} of {found.labels:,} labels"
        )


def _options(snapshot: Snapshot) -> ExportOptions:
    """Return how `trl-stepwise` is written: as the version has it, else as its rules say."""
    name = TrlStepwiseExporter.name
    export = snapshot.exports.filter(format=name).order_by("pk").first()
    if export is not None:
        return ExportOptions(**export.options)
    try:
        return options_of(name, Rules.from_json(snapshot.rules), {})
    except OptionRefused:  # rules for formats that can do more
        return TrlStepwiseExporter.defaults


def _tokenizer(name: str) -> tuple[Count, int]:
    """Return what counts tokens, and how many stand before every text."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise CommandError(f"no tokenizer {name!r}: {error}") from None

    def count(texts: Sequence[str]) -> list[int]:
        found = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return [len(ids) for ids in found]

    return count, int(tokenizer.bos_token_id is not None)
