"""`manage.py route`: make the slots of work that people of a project can take."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation import routing
from annotation.models import Project
from annotation.runs import RunFailed


class Command(BaseCommand):
    help = (
        "Make a slot of work for people on every solution of a project (in explore mode, every "
        "problem), as many as its overlap says. Asked for again, it adds what is missing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.active().filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"no project has the slug {options['project']!r}")
        try:
            grown = routing.route(project=project)
        except RunFailed as error:
            raise CommandError(str(error)) from error
        waiting = project.assignments.open().for_people().count()
        self.stdout.write(f"{max(grown, 0):,} slots made, {waiting:,} open")
