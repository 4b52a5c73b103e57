"""Finds the first step after which the answer is not reached any more, by binary search."""

from collections.abc import Sequence
from typing import ClassVar

from labelers.judges.continuations import ContinuingJudge, Estimates, mark
from labelers.trace import Judgement, StepJudgement, Trace, Unjudged


class FirstErrorJudge(ContinuingJudge):
    """-1 for the first step after which the reference answer is not reached, +1 for those before.

    Source: OmegaPRM (arXiv 2406.06592), which continues the prefix in the middle of where the
    error may lie, and so draws from log2 of the steps. That rests on an assumption: once no
    continuation reaches the answer, none does further on. A step that it vouches for alone has a
    rating and no score.
    """

    name: ClassVar[str] = "first_error"
    batch_size: ClassVar[int] = 32

    def judge(self, traces: Sequence[Trace]) -> list[Judgement | Unjudged]:
        estimates = Estimates(self.completer, traces)
        while probes := self._probes(estimates):
            estimates.estimate(probes)
        return [
            estimates.failure(place) or self._judgement(estimates, place)
            for place in range(len(traces))
        ]

    def _probes(self, estimates: Estimates) -> list[tuple[int, int]]:
        """Return for each trace, by its place, the prefix to continue next, unless it is done."""
        probes = []
        for place in estimates.open_places():
            alive, dead = self._bounds(estimates, place)
            if dead - alive > 1:
                probes.append((place, (alive + dead) // 2))
        return probes

    def _bounds(self, estimates: Estimates, place: int) -> tuple[int, int]:
        """Return the steps of the longest prefix that reaches the answer and the shortest not to.

        Where nothing is known, these are none and one more than there are.
        """
        known = estimates.known[place]
        alive = [steps for steps, found in known.items() if found.share > self.threshold]
        dead = [steps for steps, found in known.items() if found.share <= self.threshold]
        steps = len(estimates.traces[place].steps)
        return max(alive, default=0), min(dead, default=steps + 1)

    def _judgement(self, estimates: Estimates, place: int) -> Judgement:
        _, dead = self._bounds(estimates, place)
        known = estimates.known[place]
        count = len(estimates.traces[place].steps)
        whole = known.get(count)
        return Judgement(
            steps=tuple(
                mark(known[steps].share, self.threshold)
                if steps in known
                else StepJudgement(rating=1)
                for steps in range(1, min(dead, count) + 1)
            ),
            score=None if whole is None else whole.share,
            evidence=estimates.evidence(place, self.threshold),
            cost=estimates.costs[place],
        )
