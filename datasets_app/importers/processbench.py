"""ProcessBench: solutions whose first wrong step experts agreed on.

Format: https://github.com/QwenLM/ProcessBench (Zheng et al. 2024, arXiv 2412.06559).
"""

from uuid import UUID

from datasets_app import fields
from datasets_app.importers.along import along
from datasets_app.importers.base import Importer, Json
from datasets_app.records import (
    FinishReason,
    LabelerRecord,
    MarkedRecord,
    ProblemRecord,
    SolutionRecord,
)
from labelers.trace import Rating

NO_ERROR = -1
LABELER = LabelerRecord(
    name="ProcessBench experts", person=UUID("8d0c3a5e-6a55-4f0c-9d8e-2b1f1f0a7c11")
)
"""Three people who agree stand for one."""


class ProcessBenchImporter(Importer):
    """`problem`, `steps`, and `label`: the place, from 0, of the first wrong one, -1 for none."""

    name = "processbench"
    kind = MarkedRecord

    def matches(self, value: Json) -> bool:
        return "problem" in value and "steps" in value and "label" in value

    def records(self, value: Json) -> list[MarkedRecord]:
        steps = fields.steps(value)
        label = fields.optional_int(value, "label", (), NO_ERROR, len(steps) - 1)
        if label is None:
            raise fields.wrong(value, "label", (), "a whole number")
        is_correct = fields.optional_bool(value, "final_answer_correct")
        problem = ProblemRecord(text=fields.text(value, "problem"))
        solution = SolutionRecord(
            problem=problem,
            text="\n".join(steps),
            steps=steps,
            model=fields.short_text(value, "generator", fields.MODEL_LENGTH),
            claimed_correct=is_correct,
            metadata=fields.metadata(
                value, ("problem", "steps", "label", "final_answer_correct", "generator")
            ),
        )
        no_error: FinishReason | None = "solution" if is_correct else None
        right: Rating = 1
        wrong: Rating = -1
        ratings = [right] * len(steps) if label == NO_ERROR else [right] * label + [wrong]
        return [
            MarkedRecord(
                problem=problem,
                solution=solution,
                labeler=LABELER,
                positions=along(steps, ratings),
                finish_reason=no_error if label == NO_ERROR else "found_error",
            )
        ]
