"""`manage.py freeze_snapshot`: a new version of a dataset, in any formats."""

import json
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.core.validators import validate_slug
from django.db import transaction

from annotation.management.running import RunCommand
from annotation.models import Project
from datasets_app.containers import CONTAINERS
from datasets_app.dataset_forms import LICENSE, RESERVED
from datasets_app.exporters import EXPORTERS
from datasets_app.exporters.base import OptionRefused
from datasets_app.models import Dataset, Snapshot, SnapshotFile
from datasets_app.rule_words import in_words
from datasets_app.rules import BadRules, Rules
from datasets_app.snapshots import Refused, Wanted, freeze
from web.registry import UnknownName


def wanted(word: str) -> Wanted:
    """Read FORMAT or FORMAT:CONTAINER from a command line."""
    name, _, container = word.partition(":")
    if name not in EXPORTERS:
        raise ArgumentTypeError(f"no format {name!r}; known: {', '.join(sorted(EXPORTERS))}")
    if container and container not in CONTAINERS:
        raise ArgumentTypeError(f"no container {container!r}; known: {', '.join(CONTAINERS)}")
    return Wanted(format=name, container=container or "parquet")


class Command(RunCommand):
    help = (
        "Freeze a new version of a dataset: select solutions and marks by rules, and write them "
        "in the formats that trainers read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dataset", required=True, metavar="NAME", help="made if it is new")
        parser.add_argument("--title", default="", help="of the dataset")
        parser.add_argument(
            "--license", default="", help="of the dataset, as the Hugging Face hub names it"
        )
        parser.add_argument(
            "--rules", metavar="FILE", help="JSON, see docs/datasets.md; people's marks without it"
        )
        parser.add_argument("--marks", help="whose marks count, in place of what the rules say")
        parser.add_argument(
            "--held-out",
            action="append",
            default=[],
            metavar="NAME",
            help="leave out the problems of a held-out set, or of project:SLUG, too; repeatable",
        )
        parser.add_argument(
            "--format",
            action="append",
            default=[],
            type=wanted,
            metavar="FORMAT[:CONTAINER]",
            help=f"repeatable; containers: {', '.join(CONTAINERS)} (default parquet)",
        )
        parser.add_argument("--notes", default="", help="on this version")

    def handle(self, *args: Any, **options: Any) -> None:
        project = self.project(options["project"])
        rules = _rules(options)
        try:
            with transaction.atomic():  # what is refused makes no dataset
                dataset = _dataset(project, options)
                snapshot = freeze(
                    dataset=dataset, rules=rules, wanted=options["format"], notes=options["notes"]
                )
        except (BadRules, OptionRefused, Refused, UnknownName) as error:
            raise CommandError(str(error)) from None
        for sentence in in_words(rules):
            self.stdout.write(f"  {sentence}")
        assert snapshot.run
        self.carry_out(snapshot.run, title=f"freezing {snapshot}", wait=options["wait"])
        if options["wait"]:
            snapshot.refresh_from_db()
            self._sum_up(snapshot)

    def _sum_up(self, snapshot: Snapshot) -> None:
        for name, split in snapshot.manifest["splits"].items():
            self.stdout.write(
                f"{name}: {split['problems']:,} problems, {split['solutions']:,} solutions, "
                f"{sum(split['labels'].values()):,} labels"
            )
        for name, facts in snapshot.manifest["held_out"].items():
            self.stdout.write(f"held out by {name}: {facts['left_out']:,} problems")
        for export in snapshot.exports.order_by("name"):
            files = export.files.filter(kind=SnapshotFile.Kind.ROWS)
            rows = sum(files.values_list("rows", flat=True))
            self.stdout.write(f"{export.name}: {rows:,} rows in {files.count():,} files")
        where = f"{snapshot.dataset} {snapshot.version}"
        self.stdout.write(f"manage.py copy_snapshot {where} FOLDER writes the files out")
        self.stdout.write(f"{snapshot}: content {snapshot.content_hash}", self.style.SUCCESS)


def _rules(options: dict[str, Any]) -> Rules:
    given: Any = {}
    if options["rules"]:
        try:
            given = json.loads(Path(options["rules"]).read_text())
        except (OSError, ValueError) as error:
            raise CommandError(f"cannot read {options['rules']}: {error}") from None
    try:
        rules = Rules.from_json(given).as_json()
        if options["marks"]:
            rules["marks"] = options["marks"]
        rules["held_out"] += [one for one in options["held_out"] if one not in rules["held_out"]]
        return Rules.from_json(rules)
    except BadRules as error:
        raise CommandError(str(error)) from None


def _dataset(project: Project, options: dict[str, Any]) -> Dataset:
    slug = options["dataset"]
    try:
        validate_slug(slug)
    except ValidationError:
        raise CommandError(f"--dataset {slug!r}: letters, digits, - and _ alone") from None
    if slug in RESERVED:
        raise CommandError(f"--dataset {slug!r}: this name is taken by a page of the site")
    try:
        LICENSE(options["license"] or "none")
    except ValidationError as error:
        raise CommandError(f"--license {options['license']!r}: {error.messages[0]}") from None
    given = {name: options[name] for name in ("title", "license") if options[name]}
    made, _ = Dataset.objects.update_or_create(
        project=project, slug=slug, defaults=given, create_defaults={"title": slug, **given}
    )
    return made
