"""Stepmark's own flat form: one row a step, every column of one type."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from datasets_app.exporters.base import Exporter, ExportOptions, Row
from datasets_app.marked import Json, Mark, MarkedSolution
from datasets_app.path import NEGATIVE

if TYPE_CHECKING:
    import pyarrow as pa

Placed = tuple[Mark, bool, str | None]
"""A step, whether the solution went on with it, and the id of the step before it."""


class StepsExporter(Exporter):
    """A row for each step of a solution, rated or not, and for each other candidate of its place.

    The steps of one solution follow each other, in order. Nothing is left out for how the work on
    it ended: `finish_reason` tells.
    """

    name = "steps"
    defaults = ExportOptions(neutral="keep", truncate=True, alternatives="rows")
    alternatives_choices = ("rows", "none")
    columns: ClassVar[tuple[str, ...]] = (
        "solution_id",
        "step_id",
        "prefix_step_id",
        "position",
        "alternative",
        "on_path",
        "text",
        "rating",
        "soft",
        "probabilities",
        "is_human",
        "labeler_kind",
        "labeler",
        "rule",
        "weight",
        "timestamp",
        "finish_reason",
        "split",
        "problem_id",
        "problem",
        "reference_answer",
        "source",
        "model",
        "is_correct",
    )

    def rows_of(self, solution: MarkedSolution) -> Iterator[Row]:
        of_solution = _of_solution(solution)
        for mark, on_path, previous in self._steps(solution):
            position, alternative = map(int, mark.id.split("."))
            value = {
                "solution_id": solution.id,
                "step_id": f"{solution.id}/{mark.id}",
                "prefix_step_id": previous and f"{solution.id}/{previous}",
                "position": position,
                "alternative": alternative,
                "on_path": on_path,
                "text": mark.text,
                "rating": self.rating(mark.rating),
                "soft": mark.soft,
                "probabilities": mark.probabilities and list(mark.probabilities),
                "is_human": mark.is_human,
                **of_solution,
            }
            yield Row(value, solution, [mark.id])

    def schema(self) -> "pa.Schema":
        import pyarrow as pa

        others = {
            "position": pa.int32(),
            "alternative": pa.int32(),
            "on_path": pa.bool_(),
            "rating": pa.int8(),
            "soft": pa.float64(),
            "probabilities": pa.list_(pa.float64()),
            "is_human": pa.bool_(),
            "weight": pa.float64(),
            "is_correct": pa.bool_(),
        }
        return pa.schema({name: others.get(name, pa.string()) for name in self.columns})

    def _steps(self, solution: MarkedSolution) -> Iterator[Placed]:
        previous: str | None = None
        for stop in solution.whole_path():
            if stop.step is not None:
                yield stop.step, True, previous
            if self.options.alternatives == "rows":
                yield from ((other, False, previous) for other in stop.alternatives)
            if stop.step is None:
                return
            if self.options.truncate and self.rating(stop.step.rating) == NEGATIVE:
                return
            previous = stop.step.id


def _of_solution(solution: MarkedSolution) -> Json:
    """Return what is the same for all steps of a solution."""
    record = solution.record
    return {
        "labeler_kind": solution.labeler_kind,
        "labeler": solution.labeler,
        "rule": solution.rule,
        "weight": solution.weight,
        "timestamp": record["timestamp"],
        "finish_reason": record["label"]["finish_reason"],
        "split": solution.split,
        "problem_id": solution.problem_id,
        "problem": record["question"]["problem"],
        "reference_answer": record["question"]["ground_truth_answer"],
        "source": solution.problem["source"],
        "model": solution.solution["model"],
        "is_correct": solution.solution["is_correct"],
    }
