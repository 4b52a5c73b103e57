"""Stepmark's own form of ready-made solutions."""

from datasets_app import fields
from datasets_app.importers.base import Importer, Json
from datasets_app.records import BadRecord, ProblemRecord, SolutionRecord

_FIELDS = frozenset(
    {
        "problem",
        "problem_id",
        "reference_answer",
        "reference_solution",
        "solution",
        "steps",
        "answer",
        "model",
        "prompt",
        "score",
        "is_correct",
    }
)


_OF_PROBLEMS = frozenset({"unique_id", "level"})
"""Fields of MATH's problems, whose `solution` is the reference, not an attempt."""


class SolutionsImporter(Importer):
    """`problem` or `problem_id`, `solution` or `steps`, and where known `model`, `score`, …"""

    name = "solutions"
    kind = SolutionRecord

    def matches(self, value: Json) -> bool:
        return (
            ("problem" in value or "problem_id" in value)
            and ("solution" in value or "steps" in value)
            and _OF_PROBLEMS.isdisjoint(value)
        )

    def records(self, value: Json) -> list[SolutionRecord]:
        steps = _steps(value)
        return [
            SolutionRecord(
                problem=_problem(value),
                text=fields.text(value, "solution") if steps is None else "\n".join(steps),
                steps=steps,
                final_answer=fields.optional_text(value, "answer"),
                model=fields.short_text(value, "model", fields.MODEL_LENGTH),
                prompt=fields.short_text(value, "prompt", fields.PROMPT_LENGTH),
                verifier_score=fields.optional_float(value, "score"),
                claimed_correct=fields.optional_bool(value, "is_correct"),
                metadata=fields.metadata(value, _FIELDS),
            )
        ]


def _problem(value: Json) -> ProblemRecord | str:
    external_id = fields.short_text(value, "problem_id", fields.EXTERNAL_ID_LENGTH)
    if value.get("problem") is None and external_id:
        for field in ("reference_answer", "reference_solution"):
            if value.get(field) is not None:
                raise BadRecord(field, "goes with the text of a problem, not with its id")
        return external_id
    return ProblemRecord(
        text=fields.text(value, "problem"),
        reference_answer=fields.optional_text(value, "reference_answer"),
        reference_solution=fields.optional_text(value, "reference_solution"),
        external_id=external_id,
    )


def _steps(value: Json) -> tuple[str, ...] | None:
    if value.get("steps") is None:
        return None
    if value.get("solution") is not None:
        raise BadRecord("steps", "cannot stand beside `solution`; give one of them")
    return fields.steps(value)
