"""Math-Shepherd's tagged text.

Format: peiyi9979/Math-Shepherd on the Hugging Face hub; its edge cases as huggingface/trl,
examples/datasets/math_shepherd.py, and openreasoner/openr, preprocess/, treat them.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from datasets_app.exporters.base import Exporter, ExportOptions, Row
from datasets_app.exporters.labelled import labelled_paths
from datasets_app.exporters.numbers import numbered, without_number
from datasets_app.marked import MarkedSolution

if TYPE_CHECKING:
    import pyarrow as pa

TAG = "ки"  # Cyrillic
_AMBIGUOUS = re.compile(rf"{TAG}|[Ss]tep \d*:")
"""What readers look for: tags; `Step 1:`, where the question ends; and OpenR every `Step k:`."""
_TASKS = {"gsm8k": "GSM8K", "math": "MATH", "prm800k": "MATH"}


class MathShepherdExporter(Exporter):
    """`{"input": "<question> Step 1: … ки\\nStep 2: … ки", "label": "… +\\n… -", "task": …}`.

    The two texts differ in the tags alone: two characters in `input`, `+` or `-` in `label`.
    Every step has one: readers drop a row with a step that has none.
    """

    name = "math-shepherd"
    defaults = ExportOptions(neutral="positive", truncate=True, alternatives="none")
    neutral_choices = ("positive", "negative", "drop")
    alternatives_choices = ("none", "rows")

    def rows_of(self, solution: MarkedSolution) -> Iterator[Row]:
        question = solution.record["question"]["problem"]
        source = solution.problem["source"]
        for path in labelled_paths(solution, self):
            steps = ["\n".join(map(without_number, one.texts)) for one in path]
            if any(_AMBIGUOUS.search(text) for text in (question, *steps)):
                continue
            lines = [numbered(number, step) for number, step in enumerate(steps, 1)]
            signs = ["+" if one.is_right else "-" for one in path]
            value = {
                "input": _tagged(question, lines, [TAG] * len(lines)),
                "label": _tagged(question, lines, signs),
                "task": _TASKS.get(source.lower(), source),
            }
            yield Row(value, solution, [one.step.id for one in path])

    def schema(self) -> "pa.Schema":
        import pyarrow as pa

        return pa.schema(dict.fromkeys(("input", "label", "task"), pa.string()))


def _tagged(question: str, lines: list[str], tags: list[str]) -> str:
    tagged = "\n".join(f"{line} {tag}" for line, tag in zip(lines, tags, strict=True))
    return f"{question} {tagged}"
