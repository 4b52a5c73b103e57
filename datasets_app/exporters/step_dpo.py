"""Step-DPO's pairs of steps, for its train.py.

Format: dvlab-research/Step-DPO, data_pipeline/generate_dataset.py, whose `prefix` is what train.py
and the published Math-Step-DPO-10K call `initial_reason_steps`.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from datasets_app.exporters.base import Exporter, ExportOptions, Row
from datasets_app.exporters.numbers import numbered, without_number
from datasets_app.exporters.pairs import pairs
from datasets_app.marked import MarkedSolution

if TYPE_CHECKING:
    import pyarrow as pa

OPENING = "Let's think step by step.\n"
COLUMNS = (
    "dataset",
    "prompt",
    "initial_reason_steps",
    "chosen",
    "rejected",
    "original_chosen",
    "answer",
)


class StepDpoExporter(Exporter):
    """The steps so far up to `Step 3:`, and two texts for it. Steps are numbered from 1."""

    name = "step-dpo"
    # Step-DPO looks for the first step that is incorrect or neutral.
    defaults = ExportOptions(neutral="negative", truncate=True, alternatives="rows")
    neutral_choices = ("positive", "negative", "drop")
    alternatives_choices = ("none", "rows")

    def rows(self, of_problem: Sequence[MarkedSolution]) -> Iterator[Row]:
        for pair in pairs(of_problem, self):
            number = len(pair.before) + 1
            before = (f"{numbered(at, text)}\n" for at, text in enumerate(pair.before, 1))
            chosen = f" {without_number(pair.chosen.mark.text)}"
            after = (numbered(at, text) for at, text in enumerate(pair.chosen.after, number + 1))
            value = {
                "dataset": pair.chosen.solution.problem["source"],
                "prompt": pair.problem,
                "initial_reason_steps": f"{OPENING}{''.join(before)}Step {number}:",
                "chosen": chosen,
                "rejected": f" {without_number(pair.rejected.mark.text)}",
                "original_chosen": "\n".join([chosen, *after]),
                "answer": pair.chosen.solution.record["question"]["ground_truth_answer"],
            }
            yield Row(value, pair.chosen.solution, pair.step_ids(), pair.also())

    def rows_of(self, solution: MarkedSolution) -> Iterator[Row]:
        return self.rows([solution])

    def schema(self) -> "pa.Schema":
        import pyarrow as pa

        return pa.schema(dict.fromkeys(COLUMNS, pa.string()))
