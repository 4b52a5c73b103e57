"""GSM8K's problems: https://github.com/openai/grade-school-math (data/train.jsonl, test.jsonl)."""

from datasets_app import fields
from datasets_app.importers.base import Importer, Json
from datasets_app.records import BadRecord, ProblemRecord
from labelers.answers import gold_from_gsm8k


class Gsm8kImporter(Importer):
    """`question`, and `answer`: a worked solution that ends with a line `#### 18`."""

    name = "gsm8k"
    kind = ProblemRecord

    def matches(self, value: Json) -> bool:
        return "question" in value and "answer" in value

    def records(self, value: Json) -> list[ProblemRecord]:
        question = fields.text(value, "question")
        answer = fields.text(value, "answer")
        number = gold_from_gsm8k(answer)
        if number is None or not any(character.isdigit() for character in number):
            raise BadRecord("answer", "has no line `#### ` with a number")
        return [
            ProblemRecord(
                text=question,
                reference_answer=number,
                reference_solution=answer.partition("####")[0].rstrip() or None,
                source="gsm8k",
                metadata=fields.metadata(value, ("question", "answer")),
            )
        ]
