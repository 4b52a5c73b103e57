"""Compares the final answer with the reference answer; says nothing of the steps."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from labelers import answers
from labelers.judges.base import Judge
from labelers.trace import Judgement, Trace

MAX_LIMIT_S = 3600


class OutcomeJudge(Judge):
    """Score 1.0 for a right final answer, 0.0 for a wrong or missing one, None without reference.

    `limit_s` is what one comparison may take, over 0 and at most 3,600 seconds; a longer one
    counts as wrong.
    """

    name: ClassVar[str] = "outcome"
    needs_reference_answer: ClassVar[bool] = True
    settings: ClassVar[Mapping[str, Any]] = {
        "limit_s": {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_LIMIT_S}
    }

    def __init__(self, *, limit_s: float = answers.LIMIT_S) -> None:
        if not isinstance(limit_s, int | float) or isinstance(limit_s, bool):
            raise TypeError(f"limit_s must be a number, not {limit_s!r}")
        # Infinity and NaN, which Python reads from JSON, are neither JSON nor a time to wait.
        if not 0 < limit_s <= MAX_LIMIT_S:
            raise ValueError(
                f"limit_s must be over 0 and at most {MAX_LIMIT_S} seconds, not {limit_s}"
            )
        self.limit_s = limit_s

    def judge(self, traces: Sequence[Trace]) -> list[Judgement]:
        pairs = [(trace.final_answer, trace.reference_answer) for trace in traces]
        verdicts = answers.grade(pairs, limit_s=self.limit_s)
        return [
            Judgement(
                score=None if verdict is None else float(verdict),
                evidence={
                    "grader": answers.GRADER,
                    "final_answer": given,
                    "reference_answer": reference,
                },
            )
            for (given, reference), verdict in zip(pairs, verdicts, strict=True)
        ]
