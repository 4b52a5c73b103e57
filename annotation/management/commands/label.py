"""`manage.py label`: have a model labeler mark a project's solutions."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation import labelling
from annotation.management.running import BUDGET, RunCommand, money
from annotation.run_pace import NotNow
from labelers.judges import JUDGES
from labelers.models import Labeler
from labelers.registration import BadConfiguration, register_model


class Command(RunCommand):
    help = (
        "Have a model labeler mark every solution of a project that it has not marked yet. "
        "A judge's own name registers it with its default configuration."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--labeler", required=True, metavar="NAME")
        parser.add_argument("--budget", type=money, help=BUDGET)

    def handle(self, *args: Any, **options: Any) -> None:
        project = self.project(options["project"])
        labeler = labeler_named(options["labeler"])
        try:
            run = labelling.request(project=project, labeler=labeler, budget=options["budget"])
        except NotNow as error:
            raise CommandError(str(error)) from error
        self.carry_out(run, title=f"marking ({labeler})", wait=options["wait"])


def labeler_named(name: str) -> Labeler:
    """Return the current model labeler of this name; a judge's own name makes it."""
    current = Labeler.objects.judges().current()
    labeler = current.filter(name=name).first()
    if labeler is not None:
        return labeler
    if name in JUDGES:
        try:
            return register_model(name=name, judge=name)
        except BadConfiguration as error:
            how = f"`manage.py register_labeler NAME --judge {name} --config JSON` gives it one"
            raise CommandError(f"{error}; {how}") from error
    known = ", ".join(sorted({*current.values_list("name", flat=True), *JUDGES}))
    raise CommandError(f"no model labeler or judge is named {name!r}; known: {known}")
