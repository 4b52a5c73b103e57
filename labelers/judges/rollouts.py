"""Continues a solution after every step, and marks the step by whether the answer is reached."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from labelers.judges.continuations import ContinuingJudge, Estimates, mark
from labelers.trace import Judgement, StepJudgement, Trace, Unjudged


class RolloutsJudge(ContinuingJudge):
    """+1 for a step after which the reference answer is still reached, -1 for the first other.

    Source: Math-Shepherd (arXiv 2312.08935): `rollouts` continuations after each step, whose share
    of right answers is the step's soft label. The solution's score is that of its last step.
    """

    name: ClassVar[str] = "rollouts"
    batch_size: ClassVar[int] = 8

    def judge(self, traces: Sequence[Trace]) -> list[Judgement | Unjudged]:
        estimates = Estimates(self.completer, traces)
        estimates.estimate(
            (place, steps)
            for place in estimates.open_places()
            for steps in range(1, len(traces[place].steps) + 1)
        )
        return [
            estimates.failure(place) or self._judgement(estimates, place)
            for place in range(len(traces))
        ]

    def _judgement(self, estimates: Estimates, place: int) -> Judgement:
        evidence = estimates.evidence(place, self.threshold)
        return Judgement(
            steps=relabel(evidence, threshold=self.threshold),
            score=estimates.known[place][len(estimates.traces[place].steps)].share,
            evidence=evidence,
            cost=estimates.costs[place],
        )


def relabel(evidence: Mapping[str, Any], *, threshold: float) -> tuple[StepJudgement, ...]:
    """Return the marks that this judge gives with another threshold, without drawing again.

    `evidence` is that of one of its judgements, the threshold at least 0 and below 1.
    """
    marks: list[StepJudgement] = []
    for prefix in evidence["prefixes"]:
        marks.append(mark(prefix["hits"] / len(prefix["answers"]), threshold))
        if marks[-1].rating == -1:
            break
    return tuple(marks)
