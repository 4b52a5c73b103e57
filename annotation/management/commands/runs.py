"""`manage.py runs`: what runs and how far it is; holding it, ending it, letting it go on."""

from collections.abc import Callable, Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.table import Table

from annotation import run_control, run_kinds
from annotation.management.running import BUDGET, money, positive
from annotation.models import Run
from annotation.run_pace import NotNow
from annotation.run_progress import progress
from web.templatetags.durations import duration
from web.terminal import as_text


class Command(BaseCommand):
    help = "List the latest runs, or hold, end, resume or retry one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", metavar="SLUG")
        parser.add_argument("--limit", type=positive, default=20)
        wanted = parser.add_mutually_exclusive_group()
        for act, words in (
            ("pause", "take no more of it until it is resumed"),
            ("resume", "let a stopped run go on"),
            ("cancel", "end it; asking for it again takes it up"),
            ("retry", "try everything again that failed in it"),
        ):
            wanted.add_argument(f"--{act}", type=positive, metavar="RUN", help=words)
        parser.add_argument("--budget", type=money, help=f"with --resume: {BUDGET}")

    def handle(self, *args: Any, **options: Any) -> None:
        budget = options["budget"]
        if budget is not None and options["resume"] is None:
            raise CommandError("--budget goes with --resume")
        acts: dict[str, tuple[Callable[[Run], object], str]] = {
            "pause": (run_control.pause, "paused"),
            "cancel": (run_control.cancel, "cancelled"),
            "resume": (lambda run: run_control.resume(run, budget=budget), "goes on"),
            "retry": (run_control.retry_failed, "tries again what failed"),
        }
        for name, (act, said) in acts.items():
            if options[name] is not None:
                self._act(options[name], act, said)
                return
        listed = Run.objects.select_related("project").order_by("-id")
        if options["project"]:
            listed = listed.filter(project__slug=options["project"])
        self._print(listed[: options["limit"]])

    def _act(self, run_id: int, act: Callable[[Run], object], said: str) -> None:
        run = Run.objects.select_related("project").filter(pk=run_id).first()
        if run is None:
            raise CommandError(f"there is no run {run_id}")
        try:
            act(run)
        except NotNow as error:
            raise CommandError(f"{run}: {error}") from error
        run_kinds.ring()
        self.stdout.write(f"{run}: {said}")

    def _print(self, listed: Iterable[Run]) -> None:
        names = "run", "project", "what", "state", "done", "failed", "a minute", "left", "tokens"
        table, reasons = Table(*names, "cost"), list[str]()
        for run in listed:
            far = progress(run)
            table.add_row(
                str(run.pk),
                run.project.slug,
                ", ".join(filter(None, [run.kind, run.subject])),
                run.state,
                f"{run.done:,} of {run.total:,}",
                f"{run.failed:,}",
                f"{far.per_minute:,.0f}" if far.per_minute else "",
                duration(far.time_left) if far.time_left else "",
                f"{_about(run)}{run.completion_tokens:,}",
                _cost(run),
            )
            waiting = [f"{n:,} to be tried again: {reason}" for reason, n in far.waiting.items()]
            counted = [f"{n:,} x {reason}" for reason, n in run.errors.items()]
            reasons += [f"run {run.pk}: {said}" for said in (run.error, *waiting, *counted) if said]
        if table.row_count:
            self.stdout.write(as_text(table, width=140))
            for reason in reasons:
                self.stdout.write(reason)
        else:
            self.stdout.write("no runs yet: `manage.py sample` and `manage.py label` make them")


def _cost(run: Run) -> str:
    if not run.currency:
        return ""
    budget = "" if run.budget is None else f" of {run.budget:.2f}"
    return f"{_about(run)}{run.money:.2f}{budget} {run.currency}"


def _about(run: Run) -> str:
    """Return what stands before figures that rest on estimates."""
    return "~" if run.estimated_calls else ""
