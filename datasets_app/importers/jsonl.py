"""Stepmark's own form of problems."""

from datasets_app import fields
from datasets_app.importers.base import Importer, Json
from datasets_app.records import ProblemRecord

_FIELDS = frozenset(
    {"id", "text", "reference_answer", "reference_solution", "source", "split", "subject", "level"}
)


class JsonlImporter(Importer):
    """`text`, and where known `reference_answer`, `reference_solution`, `id`, `source`, …"""

    name = "jsonl"
    kind = ProblemRecord

    def matches(self, value: Json) -> bool:
        return "text" in value

    def records(self, value: Json) -> list[ProblemRecord]:
        return [
            ProblemRecord(
                text=fields.text(value, "text"),
                reference_answer=fields.optional_text(value, "reference_answer"),
                reference_solution=fields.optional_text(value, "reference_solution"),
                source=fields.short_text(value, "source", fields.SOURCE_LENGTH),
                split=fields.short_text(value, "split", fields.SPLIT_LENGTH),
                subject=fields.short_text(value, "subject", fields.SUBJECT_LENGTH),
                level=fields.level(value),
                external_id=fields.short_text(value, "id", fields.EXTERNAL_ID_LENGTH),
                metadata=fields.metadata(value, _FIELDS),
            )
        ]
