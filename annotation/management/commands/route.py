"""`manage.py route`: make the slots of work that solutions need, by a policy if there is one."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation import changes, route, routing, run_kinds, runs
from annotation.consensus import policy_of
from annotation.models import Project
from annotation.policy import BadPolicy, Policy
from annotation.policy_words import in_words, ways
from annotation.runs import RunFailed


class Command(BaseCommand):
    help = (
        "Send every solution of a project where its policy says (docs/routing.md). Without a "
        "policy: make a slot of work for people on every solution (in explore mode, every "
        "problem), as many as the overlap says. Asked for again, it adds what is missing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument(
            "--policy", metavar="FILE", help="set this policy (JSON; - reads standard input) first"
        )
        parser.add_argument(
            "--show", action="store_true", help="say the policy in words, and change nothing"
        )
        parser.add_argument(
            "--preview",
            action="store_true",
            help="count where the policy would send the solutions now, and change nothing",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.active().filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"no project has the slug {options['project']!r}")
        wanted = self.policy(options["policy"]) if options["policy"] else None
        if wanted is not None and project.mode != Project.Mode.REVIEW:
            raise CommandError("only projects in review mode have a policy")
        try:
            policy = wanted or policy_of(project)
            if options["show"]:
                self.show(policy)
            if options["preview"]:
                self.preview(project, policy)
            if not (options["show"] or options["preview"]):
                self.route(project, wanted)
        except BadPolicy as error:
            raise CommandError(said_of(error)) from error

    def policy(self, path: str) -> Policy:
        try:
            text = sys.stdin.read() if path == "-" else Path(path).read_text()
            return Policy.from_json(json.loads(text))
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        except ValueError as error:
            said = said_of(error) if isinstance(error, BadPolicy) else str(error)
            raise CommandError(f"{path}: {said}") from error

    def show(self, policy: Policy) -> None:
        for sentence in in_words(policy):
            self.stdout.write(sentence)
        self.stdout.write(json.dumps(policy.as_json(), indent=2, ensure_ascii=False))

    def preview(self, project: Project, policy: Policy) -> None:
        found = route.preview(project=project, policy=policy)
        named = ways()
        counts = [f"{found.on(way):,} {words}" for way, words in named.items() if found.on(way)]
        self.stdout.write(f"with today's marks: {', '.join(counts) or 'no solutions'}")
        for (way, rule), n in sorted(found.counts.items(), key=lambda one: -one[1]):
            self.stdout.write(f"  {n:,} {named[way]}: {rule}")

    def route(self, project: Project, wanted: Policy | None) -> None:
        if wanted is not None:
            run = changes.change_policy(project=project, seen=project.routing, policy=wanted)
            project.refresh_from_db()
        elif project.is_routed:
            run = route.look_again(project)
        else:
            self.route_to_people(project)
            return
        runs.work_here(run, routing.route_slice)
        try:
            runs.check_done(run)
        except RunFailed as error:
            raise CommandError(str(error)) from error
        looked_at = route.catch_up(project=project)
        run_kinds.ring()
        self.stdout.write(f"{looked_at:,} solutions looked at")
        self.preview(project, policy_of(project))

    def route_to_people(self, project: Project) -> None:
        try:
            grown = routing.route(project=project)
        except RunFailed as error:
            raise CommandError(str(error)) from error
        waiting = project.assignments.open().for_people().count()
        self.stdout.write(f"{max(grown, 0):,} slots made, {waiting:,} open")


def said_of(error: BadPolicy) -> str:
    return "\n  ".join(["not a policy:", *str(error).split("; ")])
