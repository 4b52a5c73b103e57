"""`manage.py register_labeler`: make a model labeler from a judge and its configuration."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from labelers.judges import JUDGES
from labelers.models import Labeler
from labelers.registration import BadConfiguration, register_model, register_program
from web.models import User


class Command(BaseCommand):
    help = (
        "Register a model labeler: a judge, or a program that marks over REST by its account. "
        "Another judge, configuration or account under the same name makes a new labeler that "
        "replaces the old one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--judge", choices=sorted(JUDGES))
        which.add_argument("--account", metavar="USERNAME", help="of a program")
        parser.add_argument("--config", default="{}", metavar="JSON", help="of a judge")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            config = json.loads(options["config"])
        except json.JSONDecodeError as error:
            raise CommandError(f"--config: {error}") from error
        if not isinstance(config, dict):
            raise CommandError("--config must be a JSON object")
        try:
            if options["account"] is None:
                name, judge = options["name"], options["judge"]
                labeler = register_model(name=name, judge=judge, config=config)
            else:
                labeler = self.program(options["name"], options["account"], config)
        except BadConfiguration as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{labeler.name}: {labeler.uuid}")

    def program(self, name: str, account: str, config: dict[str, Any]) -> Labeler:
        if config:
            raise CommandError("--config is a judge's; a program has none here")
        user = User.objects.filter(username=account).first()
        if user is None:
            raise CommandError(f"no account is named {account!r}")
        return register_program(name=name, user=user)
