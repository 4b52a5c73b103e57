"""What the commands share that ask for a Run: leaving it to the workers, or doing it in place."""

import sys
from argparse import ArgumentTypeError
from decimal import Decimal, InvalidOperation

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from annotation import run_kinds, runs
from annotation.models import Project, Run
from annotation.run_forms import LARGEST

BUDGET = "money, in the currency of the labeler's price, at which the run pauses"


def positive(word: str) -> int:
    """Read a whole number of 1 or more from a command line."""
    number = int(word) if word.isdecimal() else 0
    if number < 1:
        raise ArgumentTypeError(f"{word!r} is not a whole number of 1 or more")
    return number


def money(word: str) -> Decimal:
    """Read an amount of money above 0 from a command line."""
    try:
        amount = Decimal(word)
    except InvalidOperation:
        amount = Decimal(0)
    if not Decimal("0.01") <= amount <= LARGEST:
        raise ArgumentTypeError(f"{word!r} is not an amount of money")
    return amount


class RunCommand(BaseCommand):
    """A command that asks for a Run of one project."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--wait", action="store_true", help="do it here, beside any worker")

    def project(self, slug: str) -> Project:
        project = Project.objects.active().filter(slug=slug).first()
        if project is None:
            raise CommandError(f"no project has the slug {slug!r}")
        return project

    def carry_out(self, run: Run, *, title: str, wait: bool) -> None:
        """Tell the workers of `run`, or do it here; what failed is an error that says why."""
        if not run.is_unfinished:
            self.stdout.write(f"{run}: nothing to add, {run.done:,} of {run.total:,} done before")
        elif not wait:
            run_kinds.ring()
            left = run.total - run.done - run.failed
            self.stdout.write(f"{run}: {left:,} to do by the workers; see `manage.py runs`")
            return
        else:
            try:
                work_through(run, title)
            except KeyboardInterrupt:
                run.refresh_from_db()
                far = f"stopped at {run.done:,} of {run.total:,}; the same command resumes it"
                raise CommandError(f"{run}: {far}", returncode=130) from None
            said = f"{run}: {run.done:,} done, {run.failed:,} failed"
            if run.completion_tokens:
                said += f", {run.completion_tokens:,} tokens, {run.tokens_a_second:.0f} a second"
            if run.currency:
                said += f", {run.money:.2f} {run.currency}"
            self.stdout.write(said)
        try:
            runs.check_done(run)
        except runs.RunFailed as error:
            raise CommandError(str(error)) from error


def work_through(run: Run, title: str) -> None:
    """Work on a Run's slices until none is left, beside any worker that does the same.

    Draws a progress bar on a terminal. Raises CommandError when the Run stopped before its end.
    """
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[rate]}"),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    ) as progress:
        bar = progress.add_task(title, total=run.total, completed=run.done, rate="")

        def tell() -> None:
            rate = f"{run.tokens_a_second:.0f} tokens/s" if run.completion_tokens else ""
            progress.update(bar, completed=run.done + run.failed, total=run.total, rate=rate)

        runs.work_here(run, run_kinds.slice_work(run), tell=tell)
    if run.state == Run.State.FAILED:
        raise CommandError(run.error)
    if run.state != Run.State.FINISHED:
        why = ": its budget is spent" if run.is_over_budget else ""
        raise CommandError(f"{run} was {run.state}{why}, {run.left:,} left")
