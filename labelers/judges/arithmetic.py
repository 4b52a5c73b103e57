"""Checks the arithmetic that each step states; sees nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from labelers.claims import Claim, annotation_claims, plain_claims
from labelers.judges.base import Judge
from labelers.trace import Judgement, StepJudgement, Trace

MAX_NAMED_CLAIMS = 3


class ArithmeticJudge(Judge):
    """-1 for a step with a false claim, +1 for one with true claims only, else not rated.

    Nothing is marked after the first -1. `annotations_only` leaves plain claims alone and checks
    GSM8K's `<<a=b>>` only.
    """

    name: ClassVar[str] = "arithmetic"
    settings: ClassVar[Mapping[str, Any]] = {"annotations_only": {"type": "boolean"}}

    def __init__(self, *, annotations_only: bool = False) -> None:
        if not isinstance(annotations_only, bool):
            raise TypeError(f"annotations_only must be true or false, not {annotations_only!r}")
        self.annotations_only = annotations_only

    def judge(self, traces: Sequence[Trace]) -> list[Judgement]:
        return [self._judge_one(trace) for trace in traces]

    def _judge_one(self, trace: Trace) -> Judgement:
        steps: list[StepJudgement] = []
        annotations = plain = false = 0
        for step in trace.steps:
            annotated = annotation_claims(step)
            stated = [] if self.annotations_only else plain_claims(step)
            steps.append(_mark([*annotated, *stated]))
            annotations += len(annotated)
            plain += len(stated)
            if steps[-1].rating == -1:
                false = sum(not claim.holds for claim in [*annotated, *stated])
                break
        evidence = {
            "annotation_claims": annotations,
            "plain_claims": plain,
            "false_claims": false,
            "annotations_only": self.annotations_only,
        }
        return Judgement(steps=tuple(steps), evidence=evidence)


def _mark(claims: Sequence[Claim]) -> StepJudgement:
    false = [str(claim) for claim in claims if not claim.holds]
    if false:
        return StepJudgement(rating=-1, comment="; ".join(false[:MAX_NAMED_CLAIMS]))
    return StepJudgement(rating=1 if claims else None)
