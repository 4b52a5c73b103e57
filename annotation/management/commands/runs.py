"""`manage.py runs`: what runs, how far it is, and stopping it."""

from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.table import Table

from annotation.management.running import positive
from annotation.models import Run
from web.terminal import as_text


class Command(BaseCommand):
    help = "List the latest runs, or cancel one. Asking for a cancelled run again resumes it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", metavar="SLUG")
        parser.add_argument("--limit", type=positive, default=20)
        parser.add_argument("--cancel", type=int, metavar="RUN")

    def handle(self, *args: Any, **options: Any) -> None:
        listed = Run.objects.select_related("project").order_by("-id")
        if options["project"]:
            listed = listed.filter(project__slug=options["project"])
        if options["cancel"] is not None:
            self._cancel(options["cancel"])
            return
        table = Table("run", "project", "what", "state", "done", "failed", "tokens", "tokens/s")
        for run in listed[: options["limit"]]:
            table.add_row(
                str(run.pk),
                run.project.slug,
                ", ".join(filter(None, [run.kind, run.subject])),
                run.state,
                f"{run.done:,} of {run.total:,}",
                f"{run.failed:,}",
                f"{run.completion_tokens:,}",
                f"{run.tokens_a_second:.0f}" if run.completion_tokens else "",
            )
        if table.row_count:
            self.stdout.write(as_text(table, width=120))
            self._print_reasons(listed[: options["limit"]])
        else:
            self.stdout.write("no runs yet: `manage.py sample` and `manage.py label` make them")

    def _print_reasons(self, listed: Iterable[Run]) -> None:
        for run in listed:
            reasons = [f"{count:,} x {reason}" for reason, count in run.errors.items()]
            for reason in filter(None, [run.error, *reasons]):
                self.stdout.write(f"run {run.pk}: {reason}")

    def _cancel(self, run_id: int) -> None:
        run = Run.objects.filter(pk=run_id).first()
        if run is None:
            raise CommandError(f"there is no run {run_id}")
        if not run.cancel():
            raise CommandError(f"{run} is {run.state} already")
        self.stdout.write(f"{run}: cancelled")
