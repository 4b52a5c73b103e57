"""`manage.py sample`: draw solutions of a project's problems from a language model."""

import argparse
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation import sampling
from annotation.management.running import RunCommand, positive
from labelers.engines import ENGINES
from labelers.engines.base import Decoding
from labelers.prompts import PROMPTS


def continuation(word: str) -> tuple[int, int]:
    """Read `SOLUTION:STEPS`."""
    solution, _, steps = word.partition(":")
    try:
        return int(solution), int(steps)
    except ValueError:
        raise argparse.ArgumentTypeError("write SOLUTION:STEPS, two numbers") from None


class Command(RunCommand):
    help = (
        "Draw solutions from a language model. The same request resumes what was broken off "
        "and adds nothing twice; a larger -n draws what is missing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        defaults = Decoding()
        parser.add_argument("--engine", required=True, choices=sorted(ENGINES))
        parser.add_argument("-n", type=positive, default=4, help="solutions a problem (4)")
        parser.add_argument("--model", help="directory, hub id, GGUF file, or the server's name")
        parser.add_argument("--base-url", help="of an OpenAI-compatible server")
        parser.add_argument("--completions", action="store_true", help="no chat template")
        parser.add_argument("--batch-size", type=positive)
        parser.add_argument("--concurrency", type=positive, help="requests at a time")
        default = "default: %(default)s"
        parser.add_argument(
            "--prompt", default="zero_shot_cot", choices=sorted(PROMPTS), help=default
        )
        parser.add_argument("--temperature", type=float, default=defaults.temperature, help=default)
        parser.add_argument("--top-p", type=float, default=defaults.top_p, help=default)
        parser.add_argument("--max-tokens", type=int, default=defaults.max_tokens, help=default)
        parser.add_argument("--stop", action="append", default=[], help="may be repeated")
        parser.add_argument("--seed", type=int, default=0, help=default)
        parser.add_argument("--splitter", default="", help="default: the one the prompt suits")
        parser.add_argument(
            "--only-unsolved",
            action="store_true",
            help="only problems of which no solution is right yet",
        )
        parser.add_argument(
            "--continue",
            dest="continuation",
            type=continuation,
            metavar="SOLUTION:STEPS",
            help="draw continuations of this solution's first STEPS steps instead",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        project = self.project(options["project"])
        try:
            run = sampling.request(project=project, wanted=_wanted(options))
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.carry_out(run, title="drawing", wait=options["wait"])


def _wanted(options: dict[str, Any]) -> sampling.SamplingRequest:
    engine_config = {
        "model": options["model"],
        "base_url": options["base_url"],
        "chat": False if options["completions"] else None,
        "batch_size": options["batch_size"],
        "concurrency": options["concurrency"],
    }
    solution, steps = options["continuation"] or (None, 0)
    return sampling.SamplingRequest(
        engine=options["engine"],
        engine_config={key: value for key, value in engine_config.items() if value is not None},
        prompt=options["prompt"],
        decoding=Decoding(
            temperature=options["temperature"],
            top_p=options["top_p"],
            max_tokens=options["max_tokens"],
            stop=tuple(options["stop"]),
        ),
        solutions_a_problem=options["n"],
        seed=options["seed"],
        splitter=options["splitter"],
        only_unsolved=options["only_unsolved"],
        continue_solution=solution,
        continue_steps=steps,
    )
