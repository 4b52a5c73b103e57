"""GSM8K's model solutions: openai/grade-school-math, data/example_model_solutions.jsonl."""

from datasets_app import fields
from datasets_app.importers.base import Importer, Json
from datasets_app.records import BadRecord, ProblemRecord, SolutionRecord

MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


class Gsm8kSolutionsImporter(Importer):
    """`question`, `ground_truth`, and the solutions of four models, each with `is_correct`."""

    name = "gsm8k_solutions"
    kind = SolutionRecord

    def matches(self, value: Json) -> bool:
        return "question" in value and "ground_truth" in value

    def records(self, value: Json) -> list[SolutionRecord]:
        problem = _problem(value)
        return [_solution(problem, value, model) for model in MODELS]


def _problem(value: Json) -> ProblemRecord:
    text = fields.text(value, "question")
    worked, _, last_line = fields.text(value, "ground_truth").rstrip().rpartition("\n")
    answer = last_line.removeprefix("A:").strip()
    if answer == last_line or not any(character.isdigit() for character in answer):
        raise BadRecord("ground_truth", "does not end with a line `A: ` with a number")
    return ProblemRecord(
        text=text,
        reference_answer=answer.replace(",", ""),
        reference_solution=worked.rstrip() or None,
        source="gsm8k",
        metadata=fields.metadata(value, ("question", "ground_truth", *MODELS)),
    )


def _solution(problem: ProblemRecord, value: Json, model: str) -> SolutionRecord:
    attempt = fields.child(value, model)
    return SolutionRecord(
        problem=problem,
        text=fields.any_text(attempt, "solution", (model,)),
        model=model,
        claimed_correct=fields.optional_bool(attempt, "is_correct", (model,)),
        metadata={
            key: field for key, field in attempt.items() if key not in ("solution", "is_correct")
        },
    )
