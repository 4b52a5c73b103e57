"""`manage.py demo_route`: real solutions marked by models, and routed by a policy."""

import json
import shlex
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.table import Table

from annotation import route
from annotation.answer_match import match, spent
from annotation.cases import cases_of, labelers_of
from annotation.consensus import policy_of
from annotation.management.running import positive
from annotation.models import Project
from annotation.policy_words import ways
from config.management.demonstrating import Demonstration
from labelers.models import Labeler
from web.terminal import as_text

SLUG = "demo-route"
JUDGE = "smollm2-judge"
# The few-shot question is the only one whose form this small model keeps to (docs/judges.md).
JUDGE_CONFIG = {
    "engine": "local",
    "engine_config": {"model": "smollm2", "chat": False},
    "prompt": "critique_few_shot",
    "max_tokens": 60,
}
LABELERS = ("arithmetic", "outcome", "consistency", JUDGE)
POLICY = {
    "first": list(LABELERS),
    "accept": [{"labelers": {"arithmetic": 0, JUDGE: 0}, "audit_share": 0.1}],
    "people": [
        {"when": "disagreement", "how_many": 2},
        {"when": "wrong_answer", "how_many": 1},
        {"when": "rest", "how_many": 1},
    ],
    "order": {"by": "convincing", "score_of": "consistency"},
    "review": {"disagreement": "no_majority"},
    "blind_share": 0.5,
}


class Command(Demonstration):
    help = (
        "Mark 200 of GSM8K's model solutions with four labelers, one of them a language model, "
        "route them by a policy, and say where they went, what it took and how often each labeler "
        "agrees with the final answer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", type=Path, metavar="FILE", help="openai/grade-school-math's model solutions"
        )
        parser.add_argument(
            "--problems", type=positive, default=50, metavar="N", help="each has four solutions"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.do("migrate --verbosity 0")
        with tempfile.TemporaryDirectory() as folder:
            some, policy = Path(folder) / "solutions.jsonl", Path(folder) / "policy.json"
            some.write_text(first_lines(options["file"], options["problems"]))
            policy.write_text(json.dumps(POLICY))
            self.do(f"import_solutions {shlex.quote(str(some))} --project {SLUG}")
            config = shlex.quote(json.dumps(JUDGE_CONFIG))
            self.do(f"register_labeler {JUDGE} --judge llm_judge --config {config}")
            for labeler in LABELERS:
                self.do_what_works(f"label --project {SLUG} --labeler {labeler} --wait")
            self.do(f"route --project {SLUG} --policy {shlex.quote(str(policy))}")
        self._print_tables(Project.objects.get(slug=SLUG))

    def _print_tables(self, project: Project) -> None:
        policy = policy_of(project)
        found = route.preview(project=project, policy=policy)
        where = Table("where", "solutions", "rule", title="Routed", title_justify="left")
        named = ways()
        order = list(named)
        for (way, rule), n in sorted(
            found.counts.items(), key=lambda one: (order.index(one[0][0]), -one[1])
        ):
            where.add_row(named[way], f"{n:,}", rule)
        self.stdout.write(as_text(where, width=80))
        cases = list(cases_of(project.solutions.written(), labelers_of(policy)).values())
        columns = ("labeler", "marked", "failed", "calls", "tokens read", "drawn", "seconds")
        table = Table(
            *columns, "matches the answer", title="What each labeler took", title_justify="left"
        )
        for labeler in Labeler.objects.machines().current().filter(name__in=LABELERS):
            took, agrees = spent(project, labeler), match(cases, labeler.name)
            about = "~" if took.estimated_calls else ""
            share = f"{100 * agrees.matched / agrees.said:.0f} %" if agrees.said else ""
            table.add_row(
                labeler.name,
                f"{took.solutions:,}",
                f"{took.failed:,}",
                f"{took.calls:,}",
                f"{about}{took.prompt_tokens:,}",
                f"{about}{took.completion_tokens:,}",
                f"{took.work_ms / 1000:,.1f}",
                f"{agrees.matched:,} of {agrees.said:,} {share}".rstrip(),
            )
        self.stdout.write(as_text(table, width=110))
        self.stdout.write(f"look around: `make serve`, then /projects/{SLUG}/routing/")


def first_lines(path: Path, count: int) -> str:
    """Return the first `count` lines of a file; CommandError says what is wrong with it."""
    try:
        with path.open() as file:
            lines = list(islice(file, count))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(
            f"{path}: {error}. This needs example_model_solutions.jsonl of "
            "openai/grade-school-math: make demo-route SOLUTIONS=FILE"
        ) from error
    return "".join(lines)
