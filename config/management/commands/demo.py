"""`manage.py demo`: the main job from problems to datasets, with nothing mocked."""

import os
import secrets
import shlex
import tempfile
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db.models import Count, Q, Sum
from rich.table import Table

from annotation.management.running import positive
from annotation.models import Membership, Project, Run, Step, StepLabel
from config.management.demonstrating import Demonstration
from web.models import User
from web.terminal import as_text

SLUG = "demo"
PROBLEMS = Path(os.path.relpath(settings.BASE_DIR / "datasets_app" / "problems" / "school.jsonl"))
LABELERS = ("arithmetic", "outcome")
# 45 problems x 3 solutions x 100 tokens stay under the 15,000 that a slow machine draws in minutes.
SAMPLING = (
    "--engine local --model smollm2 --prompt few_shot_cot --completions -n 3 --max-tokens 100"
)


class Command(Demonstration):
    help = "Import the bundled problems, draw, split, grade and mark solutions, export datasets."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", type=Path, default=Path("out/demo"), metavar="FOLDER")
        parser.add_argument("--problems", type=positive, metavar="N", help="only the first (all)")

    def handle(self, *args: Any, **options: Any) -> None:
        started = monotonic()
        out = options["output"]
        out.mkdir(parents=True, exist_ok=True)
        self.do("migrate --verbosity 0")
        self._import_problems(options["problems"])
        self.do_what_works(f"sample --project {SLUG} {SAMPLING} --wait")
        project = Project.objects.get(slug=SLUG)
        if not project.solutions.exists():
            raise CommandError("no solution was drawn")
        for labeler in LABELERS:
            self.do_what_works(f"label --project {SLUG} --labeler {labeler} --wait")
        self.do(f"route --project {SLUG}")
        for name in ("prm800k", "trl-stepwise"):
            output = shlex.quote(str(out / f"{name}.jsonl"))
            self.do(
                f"export --project {SLUG} --format {name} --labelers arithmetic --output {output}"
            )
        self._print_table(project, seconds=monotonic() - started)
        self._print_files(out)
        self._print_account(project)

    def _import_problems(self, count: int | None) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = PROBLEMS
            if count:
                path = Path(folder) / PROBLEMS.name
                with PROBLEMS.open() as file:
                    path.write_text("".join(islice(file, count)))
            self.do(f"import_problems {shlex.quote(str(path))} --project {SLUG}")

    def _print_table(self, project: Project, *, seconds: float) -> None:
        graded = project.solutions.aggregate(
            drawn=Sum("times_drawn"),
            right=Count("id", filter=Q(is_correct=True)),
            wrong=Count("id", filter=Q(is_correct=False)),
            without=Count("id", filter=Q(final_answer=None)),
        )
        run = project.runs.filter(kind=Run.Kind.SAMPLING).latest("id")
        steps = Step.objects.filter(solution__project=project).count()
        rows = [
            ("problems", f"{project.problems.count():,}"),
            ("solutions drawn", f"{graded['drawn']:,}"),
            ("  distinct", f"{project.solutions.count():,}"),
            ("  final answer right", f"{graded['right']:,}"),
            ("  final answer wrong", f"{graded['wrong']:,} ({graded['without']:,} state none)"),
            ("steps", f"{steps:,}"),
            *self._mark_rows(project, steps),
            ("tokens drawn", f"{run.completion_tokens:,}"),
            ("tokens a second", f"{run.tokens_a_second:.0f}"),
            ("time of this run", f"{seconds:.0f} s"),
        ]
        table = Table("what happened", "", title="Stepmark demo", title_justify="left")
        for name, value in rows:
            table.add_row(name, value)
        self.stdout.write(as_text(table, width=80))

    def _mark_rows(self, project: Project, steps: int) -> list[tuple[str, str]]:
        rows = []
        for name in LABELERS:
            annotations = project.annotations.filter(labeler__name=name)
            labels = StepLabel.objects.filter(annotation__in=annotations)
            count = dict(labels.order_by().values_list("rating").annotate(Count("id")))
            if not count:
                rows.append((f"solutions scored by {name}", f"{annotations.count():,}"))
                continue
            marks = ((1, "correct"), (0, "neutral"), (-1, "incorrect"), (None, "not rated"))
            text = ", ".join(f"{count.get(rating, 0):,} {word}" for rating, word in marks)
            text += f", {steps - sum(count.values()):,} after an error"
            rows.append((f"steps marked by {name}", text))
        return rows

    def _print_files(self, out: Path) -> None:
        for path in sorted(out.iterdir()):
            with path.open("rb") as file:
                lines = sum(1 for _ in file)
            self.stdout.write(f"{path}: {lines} records, {path.stat().st_size:,} bytes")

    def _print_account(self, project: Project) -> None:
        """Make the account to look around with, once, and print it."""
        user, made = User.objects.get_or_create(username="demo")
        if made:
            password = secrets.token_urlsafe(9)
            user.set_password(password)
            user.save(update_fields=["password"])
            self.stdout.write(f"account: demo, password: {password} (shown this once)")
        else:
            self.stdout.write(
                "account: demo, made before (`manage.py changepassword demo` sets a password)"
            )
        Membership.objects.get_or_create(
            user=user, project=project, defaults={"role": Membership.Role.MANAGER}
        )
        self.stdout.write("look around: `make serve`, then http://127.0.0.1:8000/")
        self.stdout.write(f"mark steps yourself: http://127.0.0.1:8000/label/{SLUG}/")
