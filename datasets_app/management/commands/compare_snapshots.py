"""`manage.py compare_snapshots`: what two versions of a dataset differ in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from datasets_app.comparing import compare
from datasets_app.models import Snapshot


class Command(BaseCommand):
    help = "Say what is added, removed and changed between two frozen versions of a dataset."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dataset", metavar="PROJECT/DATASET")
        parser.add_argument("before", type=int, metavar="VERSION")
        parser.add_argument("after", type=int, metavar="VERSION")

    def handle(self, *args: Any, **options: Any) -> None:
        project, _, name = options["dataset"].partition("/")
        rows = Snapshot.objects.frozen().filter(dataset__project__slug=project, dataset__slug=name)
        versions = {one.version: one for one in rows}
        for wanted in (options["before"], options["after"]):
            if wanted not in versions:
                known = ", ".join(map(str, sorted(versions))) or "none"
                raise CommandError(
                    f"{options['dataset']} has no frozen version {wanted}; it has: {known}"
                )
        found = compare(versions[options["before"]], versions[options["after"]])
        for title in ("problems", "solutions", "marks"):
            counts = getattr(found, title)
            self.stdout.write(
                f"{title}: {counts.added:,} added, {counts.removed:,} removed, "
                f"{counts.changed:,} changed, {counts.same:,} the same"
            )
