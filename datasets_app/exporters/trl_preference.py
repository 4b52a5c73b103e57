"""TRL's preference format with an explicit prompt, one step against another, for its DPO trainer.

Format: huggingface/trl, docs/source/dataset_formats.md.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from datasets_app.exporters.base import Exporter, ExportOptions, Row
from datasets_app.exporters.pairs import pairs
from datasets_app.marked import MarkedSolution

if TYPE_CHECKING:
    import pyarrow as pa

SEPARATOR = "\n"


class TrlPreferenceExporter(Exporter):
    """`{"prompt": …, "chosen": a right step, "rejected": a wrong one}`, both behind the prompt.

    The trainer puts the texts together as they are, so the prompt ends with the separator.
    """

    name = "trl-preference"
    defaults = ExportOptions(
        neutral="drop", truncate=True, alternatives="rows", separator=SEPARATOR
    )
    neutral_choices = ("positive", "negative", "drop")
    alternatives_choices = ("none", "rows")

    def rows(self, of_problem: Sequence[MarkedSolution]) -> Iterator[Row]:
        separator = SEPARATOR if self.options.separator is None else self.options.separator
        for pair in pairs(of_problem, self):
            value = {
                "prompt": separator.join([pair.problem, *pair.before, ""]),
                "chosen": pair.chosen.mark.text,
                "rejected": pair.rejected.mark.text,
            }
            yield Row(value, pair.chosen.solution, pair.step_ids(), pair.also())

    def rows_of(self, solution: MarkedSolution) -> Iterator[Row]:
        return self.rows([solution])

    def schema(self) -> "pa.Schema":
        import pyarrow as pa

        return pa.schema(dict.fromkeys(("prompt", "chosen", "rejected"), pa.string()))
