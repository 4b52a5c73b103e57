"""`manage.py register_labeler`: make a model labeler from a judge and its configuration."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from labelers.judges import JUDGES
from labelers.registration import BadConfiguration, register_model


class Command(BaseCommand):
    help = (
        "Register a model labeler. Another judge or configuration under the same name makes a "
        "new labeler that replaces the old one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--judge", required=True, choices=sorted(JUDGES))
        parser.add_argument("--config", default="{}", metavar="JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            config = json.loads(options["config"])
        except json.JSONDecodeError as error:
            raise CommandError(f"--config: {error}") from error
        if not isinstance(config, dict):
            raise CommandError("--config must be a JSON object")
        try:
            labeler = register_model(name=options["name"], judge=options["judge"], config=config)
        except BadConfiguration as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{labeler.name}: {labeler.uuid}")
