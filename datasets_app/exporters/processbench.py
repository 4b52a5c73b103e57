"""ProcessBench's form: whole solutions with the place of the first wrong step.

Format: QwenLM/ProcessBench, README.md and code/run_eval.py.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from datasets_app.exporters.base import Exporter, ExportOptions, Row
from datasets_app.exporters.labelled import UNFIT
from datasets_app.marked import Mark, MarkedSolution

if TYPE_CHECKING:
    import pyarrow as pa

NO_ERROR = -1


class ProcessBenchExporter(Exporter):
    """`{"id", "generator", "problem", "steps", "final_answer_correct", "label"}`.

    `label` is the place, from 0, of the earliest wrong step, -1 where there is none. A solution
    makes a row only where that is known: its marks reach a wrong step without a gap, or cover it
    whole without one.
    """

    name = "processbench"
    defaults = ExportOptions(neutral="positive", truncate=False, alternatives="none")
    neutral_choices = ("positive", "negative", "drop")
    alternatives_choices = ("none",)

    def rows_of(self, solution: MarkedSolution) -> Iterator[Row]:
        finish_reason = solution.record["label"]["finish_reason"]
        if finish_reason in UNFIT:
            return
        marks = [stop.step for stop in solution.whole_path() if stop.step]
        steps = [mark.text for mark in marks]
        label = self._first_error(marks)
        if label == NO_ERROR:
            own = solution.record["question"].get("pre_generated_steps")
            # A path that left the solution, or built one, is whole where its labeler said so.
            if not steps or (steps != own and finish_reason != "solution"):
                return
        elif label is None:
            return
        elif self.options.truncate:
            steps = steps[: label + 1]
        value = {
            "id": solution.id,
            "generator": solution.solution["model"] or solution.solution["engine"],
            "problem": solution.record["question"]["problem"],
            "steps": steps,
            "final_answer_correct": solution.solution["is_correct"],
            "label": label,
        }
        judged = marks if label == NO_ERROR else marks[: label + 1]
        yield Row(value, solution, [mark.id for mark in judged])

    def schema(self) -> "pa.Schema":
        import pyarrow as pa

        return pa.schema(
            {
                "id": pa.string(),
                "generator": pa.string(),
                "problem": pa.string(),
                "steps": pa.list_(pa.string()),
                "final_answer_correct": pa.bool_(),
                "label": pa.int64(),
            }
        )

    def _first_error(self, marks: list[Mark]) -> int | None:
        """Return the place of the first wrong step; None where a step before it is not rated."""
        for place, mark in enumerate(marks):
            rating = self.rating(mark.rating)
            if rating is None:
                return None
            if rating < 0:
                return place
        return NO_ERROR
