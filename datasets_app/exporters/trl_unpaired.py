"""TRL's unpaired preference format, for its KTO trainer.

Format: huggingface/trl, docs/source/dataset_formats.md, which makes it of stepwise supervision by
joining the steps and asking whether all labels are true.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from datasets_app.exporters.base import Exporter, ExportOptions, Row
from datasets_app.exporters.labelled import UNFIT
from datasets_app.exporters.wholes import found_right, written
from datasets_app.marked import Mark, MarkedSolution
from datasets_app.path import NEGATIVE

if TYPE_CHECKING:
    import pyarrow as pa


class TrlUnpairedExporter(Exporter):
    """`{"prompt": …, "completion": …, "label": whether all its steps are right}`.

    True is a whole solution in which each step is right, false one with a step that is wrong. One
    of which neither is known makes no row: the trainer would learn to stop where the labels do.
    """

    name = "trl-unpaired"
    defaults = ExportOptions(neutral="positive", truncate=True, alternatives="none")
    neutral_choices = ("positive", "negative", "drop")
    alternatives_choices = ("none", "rows")

    def rows_of(self, solution: MarkedSolution) -> Iterator[Row]:
        right = found_right(solution, self)
        if right:
            yield self._row(solution, right, label=True)
        if solution.record["label"]["finish_reason"] not in UNFIT:
            for taken in self._wrong(solution):
                yield self._row(solution, taken, label=False)

    def schema(self) -> "pa.Schema":
        import pyarrow as pa

        return pa.schema({"prompt": pa.string(), "completion": pa.string(), "label": pa.bool_()})

    def _wrong(self, solution: MarkedSolution) -> Iterator[list[Mark]]:
        """Yield the steps of the path where one is wrong, then those up to a wrong alternative."""
        taken: list[Mark] = []
        branches: list[list[Mark]] = []
        is_wrong = False
        for stop in solution.path():
            if self.options.alternatives == "rows":
                branches += [[*taken, one] for one in stop.alternatives if self._is_wrong(one)]
            if stop.step is None:
                break
            taken.append(stop.step)
            is_wrong = is_wrong or self._is_wrong(stop.step)
            if is_wrong and self.options.truncate:
                break
        if is_wrong:
            yield taken
        yield from branches

    def _is_wrong(self, mark: Mark) -> bool:
        return self.rating(mark.rating) == NEGATIVE

    def _row(self, solution: MarkedSolution, taken: list[Mark], *, label: bool) -> Row:
        value = {
            "prompt": solution.record["question"]["problem"],
            # The trainer puts the two together as they are.
            "completion": "\n" + written(solution, [mark.text for mark in taken]),
            "label": label,
        }
        rated = [mark.id for mark in taken if self.rating(mark.rating) is not None]
        return Row(value, solution, rated)
