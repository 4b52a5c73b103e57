"""OpenRLHF's process rewards, for the PRM trainer that it had up to v0.9.5.

Format: OpenRLHF/OpenRLHF before its commit 6a981c8c, openrlhf/datasets/process_reward_dataset.py
and openrlhf/models/loss.py (PRMLoss).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from datasets_app.exporters.base import Exporter, ExportOptions, Row
from datasets_app.exporters.labelled import Labelled, labelled_paths
from datasets_app.marked import MarkedSolution

if TYPE_CHECKING:
    import pyarrow as pa

PLACEHOLDER = "ки"
SEPARATOR = "\n"


class OpenRlhfExporter(Exporter):
    """`{"input": "<problem> <step> ки\\n<step> ки", "value": ["+", "-"]}`.

    The trainer counts placeholders: with fewer labels it stops (but takes a single one for all),
    and it cuts off what is over. So a step without a label shares the placeholder of the next
    that has one, and a solution that has the placeholder in its own text makes no row.
    """

    name = "openrlhf"
    defaults = ExportOptions(
        neutral="positive", truncate=True, alternatives="none", separator=SEPARATOR
    )
    neutral_choices = ("positive", "negative", "drop")
    alternatives_choices = ("none", "rows")
    labels_choices = ("hard", "soft")

    def rows_of(self, solution: MarkedSolution) -> Iterator[Row]:
        separator = SEPARATOR if self.options.separator is None else self.options.separator
        problem = solution.record["question"]["problem"]
        for path in labelled_paths(solution, self):
            texts = [separator.join(one.texts) for one in path]
            if any(PLACEHOLDER in text for text in (problem, *texts)):
                continue
            tagged = separator.join(f"{text} {PLACEHOLDER}" for text in texts)
            value = {
                "input": f"{problem} {tagged}",
                "value": [self._label(one) for one in path],
            }
            yield Row(value, solution, [one.step.id for one in path])

    def schema(self) -> "pa.Schema":
        import pyarrow as pa

        label = pa.float64() if self.options.labels == "soft" else pa.string()
        return pa.schema({"input": pa.string(), "value": pa.list_(label)})

    def _label(self, one: Labelled) -> str | float:
        if self.options.labels == "hard":
            return "+" if one.is_right else "-"
        return float(one.is_right) if one.step.soft is None else one.step.soft
