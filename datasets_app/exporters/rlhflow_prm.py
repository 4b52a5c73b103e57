"""RLHFlow's process rewards as a conversation.

Format: RLHFlow/RLHF-Reward-Modeling, math-rm/README.md and math-rm/prm_evaluate.py.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from datasets_app.exporters.base import Exporter, ExportOptions, Row
from datasets_app.exporters.labelled import labelled_paths
from datasets_app.marked import MarkedSolution

if TYPE_CHECKING:
    import pyarrow as pa

BETWEEN_STEPS = "\n\n"  # at which RLHFlow splits a solution


class RlhflowPrmExporter(Exporter):
    """A user's turn for each step, the first with the question; `+` or `-` after each."""

    name = "rlhflow-prm"
    defaults = ExportOptions(neutral="positive", truncate=True, alternatives="none")
    neutral_choices = ("positive", "negative", "drop")
    alternatives_choices = ("none", "rows")

    def rows_of(self, solution: MarkedSolution) -> Iterator[Row]:
        question = solution.record["question"]["problem"]
        for path in labelled_paths(solution, self):
            turns = [BETWEEN_STEPS.join(one.texts) for one in path]
            turns[0] = f"{question} {turns[0]}"
            conversations = [
                turn
                for text, one in zip(turns, path, strict=True)
                for turn in (
                    {"role": "user", "content": text},
                    {"role": "assistant", "content": "+" if one.is_right else "-"},
                )
            ]
            value = {"conversations": conversations}
            yield Row(value, solution, [one.step.id for one in path])

    def schema(self) -> "pa.Schema":
        import pyarrow as pa

        turn = pa.struct({"role": pa.string(), "content": pa.string()})
        return pa.schema({"conversations": pa.list_(turn)})
