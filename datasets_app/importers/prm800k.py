"""PRM800K: https://github.com/openai/prm800k (data/phase1_*.jsonl, data/phase2_*.jsonl)."""

from datasets_app.importers.base import Importer, Json
from datasets_app.prm800k import prm800k_from_json
from datasets_app.records import AnnotationRecord


class Prm800kImporter(Importer):
    """One labeler's marks on one solution, without loss."""

    name = "prm800k"
    kind = AnnotationRecord

    def matches(self, value: Json) -> bool:
        return "labeler" in value and "question" in value and "label" in value

    def records(self, value: Json) -> list[AnnotationRecord]:
        return [prm800k_from_json(value)]
