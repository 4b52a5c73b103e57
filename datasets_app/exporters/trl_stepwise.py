"""TRL's stepwise supervision, for its PRM trainer.

Format: huggingface/trl, docs/source/dataset_formats.md and trl/experimental/prm/prm_trainer.py.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from datasets_app.exporters.base import Exporter, ExportOptions, Row
from datasets_app.exporters.labelled import labelled_paths
from datasets_app.marked import MarkedSolution

if TYPE_CHECKING:
    import pyarrow as pa

SEPARATOR = "\n"


class TrlStepwiseExporter(Exporter):
    """`{"prompt": …, "completions": [step, …], "labels": [true or false, …]}`.

    The trainer puts a label on the separator that it adds to each completion, and nothing
    between prompt and first completion: so the prompt ends with a line break of its own. A
    label is true or false, never "not rated": a step without one is joined to the next that has
    one, which gives the trainer the text of both and the one label.
    """

    name = "trl-stepwise"
    defaults = ExportOptions(
        neutral="positive", truncate=True, alternatives="none", separator=SEPARATOR
    )
    neutral_choices = ("positive", "negative", "drop")
    alternatives_choices = ("none", "rows")

    def rows_of(self, solution: MarkedSolution) -> Iterator[Row]:
        separator = SEPARATOR if self.options.separator is None else self.options.separator
        for path in labelled_paths(solution, self):
            value = {
                "prompt": solution.record["question"]["problem"] + "\n",
                "completions": [separator.join(one.texts) for one in path],
                "labels": [one.is_right for one in path],
            }
            yield Row(value, solution, [one.step.id for one in path])

    def schema(self) -> "pa.Schema":
        import pyarrow as pa

        return pa.schema(
            {
                "prompt": pa.string(),
                "completions": pa.list_(pa.string()),
                "labels": pa.list_(pa.bool_()),
            }
        )
