"""`manage.py runs`: what runs and how far it is; holding it, ending it, letting it go on."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from rich.table import Table

from annotation import run_control, run_kinds
from annotation.management.running import BUDGET, money, positive
from annotation.models import Assignment, Problem, Run
from annotation.run_pace import NotNow
from annotation.run_progress import LISTED, failed, progress, reasons
from web.templatetags.durations import duration
from web.terminal import as_text

REASONS_SHOWN = 10
FAILED_AT_ONCE = 1_000


class Command(BaseCommand):
    help = "List the latest runs, or hold, end, resume or retry one, or list what failed in it."

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
        wanted.add_argument(
            "--failed",
            type=positive,
            metavar="RUN",
            help="list what failed in it: the address of each page, and why",
        )
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
        if options["failed"] is not None:
            self._print_failed(found(options["failed"]))
            return
        listed = Run.objects.select_related("project").order_by("-id")
        if options["project"]:
            listed = listed.filter(project__slug=options["project"])
        self._print(listed[: options["limit"]])

    def _act(self, run_id: int, act: Callable[[Run], object], said: str) -> None:
        run = found(run_id)
        try:
            act(run)
        except NotNow as error:
            raise CommandError(f"{run}: {error}") from error
        run_kinds.ring()
        self.stdout.write(f"{run}: {said}")

    def _print(self, listed: Iterable[Run]) -> None:
        names = "run", "project", "what", "state", "done", "failed", "a minute", "left", "tokens"
        table, said = Table(*names, "cost"), list[str]()
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
            waiting = most_frequent(far.waiting, "to be tried again: ")
            counted = most_frequent(run.errors, "x ")
            said += [f"run {run.pk}: {one}" for one in (run.error, *waiting, *counted) if one]
        if table.row_count:
            self.stdout.write(as_text(table, width=140))
            for line in said:
                self.stdout.write(line)
        else:
            self.stdout.write("no runs yet: `manage.py sample` and `manage.py label` make them")

    def _print_failed(self, run: Run) -> None:
        if run.kind not in LISTED:
            raise CommandError(f"{run}: what fails in such a run has no page")
        listed = failed(run).order_by("pk")
        for start in range(0, listed.count(), FAILED_AT_ONCE):
            rows: list[Assignment | Problem] = [*listed[start : start + FAILED_AT_ONCE]]
            why = reasons(run, [row.pk for row in rows])
            for row in rows:
                self.stdout.write(f"{page_of(run, row)}  {why.get(row.pk, '')}")


def found(run_id: int) -> Run:
    run = Run.objects.select_related("project").filter(pk=run_id).first()
    if run is None:
        raise CommandError(f"there is no run {run_id}")
    return run


def page_of(run: Run, row: Assignment | Problem) -> str:
    """Return the address of the page that shows what failed."""
    if isinstance(row, Assignment):
        return reverse("solution", args=[run.project.slug, row.solution_id])
    return reverse("problem", args=[run.project.slug, row.pk])


def most_frequent(counts: Mapping[str, int], words: str) -> list[str]:
    """Say the most frequent reasons, and how many more there are."""
    ranked = sorted(counts.items(), key=lambda one: -one[1])
    lines = [f"{n:,} {words}{reason}" for reason, n in ranked[:REASONS_SHOWN]]
    more = len(ranked) - REASONS_SHOWN
    return [*lines, f"and {more:,} more reasons"] if more > 0 else lines


def _cost(run: Run) -> str:
    if not run.currency:
        return ""
    budget = "" if run.budget is None else f" of {run.budget:.2f}"
    return f"{_about(run)}{run.money:.2f}{budget} {run.currency}"


def _about(run: Run) -> str:
    """Return what stands before figures that rest on estimates."""
    return "~" if run.estimated_calls else ""
