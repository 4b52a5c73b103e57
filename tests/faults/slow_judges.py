"""Judges that take their time, for workers that are killed while they judge.

Imported by the workers (`--include`) and by whoever asks for a run.
"""

import time
from collections.abc import Sequence

from labelers.judges import JUDGES
from labelers.judges.arithmetic import ArithmeticJudge
from labelers.registration import register_model
from labelers.trace import Judgement, Trace

SECONDS = 0.25
NAMES = ("slow", "slower")


class Slow(ArithmeticJudge):
    name = "slow"
    batch_size = 4
    seconds = SECONDS

    def judge(self, traces: Sequence[Trace]) -> list[Judgement]:
        time.sleep(self.seconds * len(traces))
        return super().judge(traces)


class Slower(Slow):
    name = "slower"
    seconds = 3 * SECONDS


JUDGES.update({judge.name: judge for judge in (Slow, Slower)})


def mark_everything() -> None:
    """Ask for a run of each of these judges, and of one that takes no time, and ring for them."""
    from annotation import labelling, run_kinds
    from annotation.models import Project

    for name in (*NAMES, "arithmetic"):
        labeler = register_model(name=name, judge=name)
        labelling.request(project=Project.objects.get(slug="faults"), labeler=labeler)
    run_kinds.ring()


def make_solutions(how_many: int) -> None:
    from annotation.models import Project
    from tests.factories import make_problem, make_solution

    problem = make_problem(Project.objects.get(slug="faults"))
    for number in range(how_many):
        make_solution(problem, [f"{number} + 1 = {number + 1}", f"So {number + 1}."])
