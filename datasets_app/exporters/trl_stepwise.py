"""TRL's stepwise supervision, for its PRM trainer.

Format: huggingface/trl, docs/source/dataset_formats.md and trl/experimental/prm/prm_trainer.py.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from datasets_app.exporters.base import Exporter, ExportOptions, Row
from datasets_app.marked import Mark, MarkedSolution
from datasets_app.records import FinishReason

if TYPE_CHECKING:
    import pyarrow as pa

Labelled = tuple[str, bool, str]
"""Text, label, and id of the step that has it."""
SEPARATOR = "\n"
LEFT_OUT: tuple[FinishReason, ...] = ("bad_problem", "give_up")


class TrlStepwiseExporter(Exporter):
    """`{"prompt": …, "completions": [step, …], "labels": [true or false, …]}`.

    The trainer puts a label on the separator that it adds to each completion, and nothing
    between prompt and first completion: so the prompt ends with a line break of its own. A
    label is true or false, never "not rated": a step without one is joined to the next that has
    one, which gives the trainer the text of both and the one label; a tail without labels is
    left out, and so is a row without any. So is the work of a labeler who gave up or found the
    problem bad: PRM800K's users train on the rest alone.
    """

    name = "trl-stepwise"
    defaults = ExportOptions(
        neutral="positive", truncate=True, alternatives="none", separator=SEPARATOR
    )
    neutral_choices = ("positive", "negative", "drop")
    alternatives_choices = ("none", "rows")

    def rows_of(self, solution: MarkedSolution) -> Iterator[Row]:
        record = solution.record
        if record["label"]["finish_reason"] in LEFT_OUT:
            return
        prompt = record["question"]["problem"] + "\n"
        done: list[Labelled] = []
        waiting: list[str] = []
        branches: list[list[Labelled]] = []
        for stop in solution.path():
            if self.options.alternatives == "rows":
                branches.extend(
                    [*done, self._joined(waiting, other, label)]
                    for other in stop.alternatives
                    if (label := self._label(other.rating)) is not None
                )
            if stop.step is None:
                break
            label = self._label(stop.step.rating)
            if label is None:
                waiting.append(stop.step.text)
                continue
            done.append(self._joined(waiting, stop.step, label))
            waiting = []
            if label is False and self.options.truncate:
                break
        for labelled in (done, *branches):
            if labelled:
                value = {
                    "prompt": prompt,
                    "completions": [text for text, _, _ in labelled],
                    "labels": [label for _, label, _ in labelled],
                }
                yield Row(value, solution, [step for _, _, step in labelled])

    def schema(self) -> "pa.Schema":
        import pyarrow as pa

        return pa.schema(
            {
                "prompt": pa.string(),
                "completions": pa.list_(pa.string()),
                "labels": pa.list_(pa.bool_()),
            }
        )

    def _label(self, rating: int | None) -> bool | None:
        kept = self.rating(rating)
        return None if kept is None else kept > 0

    def _joined(self, waiting: list[str], step: Mark, label: bool) -> Labelled:
        separator = SEPARATOR if self.options.separator is None else self.options.separator
        return separator.join([*waiting, step.text]), label, step.id
