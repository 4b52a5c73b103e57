"""Solutions with the correctness of their answers, for outcome reward models.

Source: Cobbe et al. 2021 (arXiv 2110.14168), whose verifiers learn from this alone.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from datasets_app.exporters.base import Exporter, ExportOptions, Row
from datasets_app.marked import MarkedSolution

if TYPE_CHECKING:
    import pyarrow as pa


class OrmExporter(Exporter):
    """`{"problem", "solution", "is_correct"}`, once for each solution whose answer was graded.

    Marks on steps have no part in it: they are neither read nor needed. A solution that was
    written with the answer in view is left out, as its being right tells nothing.
    """

    name = "orm"
    defaults = ExportOptions(neutral="keep", truncate=False, alternatives="none")
    neutral_choices = ("keep",)
    truncate_choices = (False,)
    alternatives_choices = ("none",)

    def rows(self, of_problem: Sequence[MarkedSolution]) -> Iterator[Row]:
        """Yield one row for each solution, however many labelers marked it."""
        markings: dict[str, list[MarkedSolution]] = {}
        for one in of_problem:
            markings.setdefault(one.id, []).append(one)
        for first, *others in markings.values():
            for row in self.rows_of(first):
                yield Row(row.value, first, also=others)

    def rows_of(self, solution: MarkedSolution) -> Iterator[Row]:
        written = solution.solution
        if written["is_correct"] is None or written["hint"] or not written["text"]:
            return
        value = {
            "problem": solution.record["question"]["problem"],
            "solution": written["text"],
            "is_correct": written["is_correct"],
        }
        yield Row(value, solution)

    def schema(self) -> "pa.Schema":
        import pyarrow as pa

        return pa.schema(
            {"problem": pa.string(), "solution": pa.string(), "is_correct": pa.bool_()}
        )
