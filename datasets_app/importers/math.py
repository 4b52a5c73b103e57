"""The MATH problems: Hendrycks et al. 2021, as in PRM800K's math_splits and in MATH-500."""

from datasets_app import fields
from datasets_app.importers.base import Importer, Json
from datasets_app.records import BadRecord, ProblemRecord
from labelers.answers import last_boxed

_FIELDS = frozenset({"problem", "solution", "answer", "level", "subject", "type", "unique_id"})


class MathImporter(Importer):
    r"""`problem`, `solution`, and `answer` unless the solution ends in `\boxed{…}`."""

    name = "math"
    kind = ProblemRecord

    def matches(self, value: Json) -> bool:
        return "problem" in value and ("solution" in value or "answer" in value)

    def records(self, value: Json) -> list[ProblemRecord]:
        solution = fields.optional_text(value, "solution")
        # The first edition of MATH says `type`, later ones `subject`.
        subject = "subject" if "subject" in value else "type"
        return [
            ProblemRecord(
                text=fields.text(value, "problem"),
                reference_answer=_answer(value, solution),
                reference_solution=solution,
                source="math",
                subject=fields.short_text(value, subject, fields.SUBJECT_LENGTH),
                level=fields.level(value),
                external_id=fields.short_text(value, "unique_id", fields.EXTERNAL_ID_LENGTH),
                metadata=fields.metadata(value, _FIELDS),
            )
        ]


def _answer(value: Json, solution: str | None) -> str:
    answer = fields.optional_text(value, "answer")
    if answer is None:
        answer = last_boxed(solution or "")
    if answer is None:
        raise BadRecord("answer", r"is missing, and the solution has no \boxed{…}")
    return answer
