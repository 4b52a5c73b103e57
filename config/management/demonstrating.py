"""What the demonstrations share: commands that are printed before they are done."""

import shlex

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError


class Demonstration(BaseCommand):
    """A command that does what a reader may do by hand, one `manage.py` line after another."""

    def do(self, line: str) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(f"$ manage.py {line}"))
        command, *arguments = shlex.split(line)
        call_command(command, *arguments)

    def do_what_works(self, line: str) -> None:
        """Do a Run, of which a single failure is no reason to stop."""
        try:
            self.do(line)
        except CommandError as error:
            self.stderr.write(self.style.WARNING(str(error)))
