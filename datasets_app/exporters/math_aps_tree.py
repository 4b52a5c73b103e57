"""OpenR's trees of rollouts, the form of its MATH-APS data set.

Format: openreasoner/openr, data/omegaPRM_v2 (`save_data_tree=True`) and preprocess/, after
OmegaPRM (arXiv 2406.06592).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from datasets_app.exporters.base import Exporter, ExportOptions, Row
from datasets_app.exporters.labelled import UNFIT
from datasets_app.marked import Json, Mark, MarkedSolution
from datasets_app.path import NEGATIVE

if TYPE_CHECKING:
    import pyarrow as pa

SEPARATOR = "\n\n"
MAX_DEPTH = 48
"""Nodes below the root: what a JSON of 100 levels holds, two to a node."""
ROOT_VALUE = "root_mc_value"
"""Where an imported solution's evidence has the value of its tree's root."""


class Span(NamedTuple):
    """The text of one node: of a step, and of those before it that have no value."""

    text: str
    value: float
    step_id: str
    """With the solution's id and a slash before it."""


@dataclass(slots=True)
class _Node:
    step_ids: tuple[str, ...] = ()
    children: dict[tuple[str, float], "_Node"] = field(default_factory=dict)

    def add(self, spans: Sequence[Span]) -> None:
        node = self
        for text, value, step_id in spans:
            node = node.children.setdefault((text, value), _Node((step_id,)))

    def below(self) -> list[Json]:
        return [
            {"text": text, "mc_value": value, "children": node.below()}
            for (text, value), node in self.children.items()
        ]

    def ids(self) -> Iterator[str]:
        yield from self.step_ids
        for node in self.children.values():
            yield from node.ids()


class MathApsTreeExporter(Exporter):
    """A tree for each problem: `{"question_id", "question", "final_answer", "reasoning_steps"}`.

    A node is a prefix whose value is known: by the rollouts that a judge keeps as its evidence,
    also behind the first error, else by the soft value of its mark. Steps that begin alike, in
    text and value, share their nodes. A solution without values has no part in the tree.
    """

    name = "math-aps-tree"
    json_columns = ("reasoning_steps",)
    defaults = ExportOptions(
        neutral="keep", truncate=False, alternatives="keep", separator=SEPARATOR
    )
    neutral_choices = ("keep",)
    alternatives_choices = ("keep", "none")

    def rows(self, of_problem: Sequence[MarkedSolution]) -> Iterator[Row]:
        root, used = _Node(), list[MarkedSolution]()
        for solution in of_problem:
            branches = [spans for spans in self._branches(solution) if 0 < len(spans) <= MAX_DEPTH]
            for spans in branches:
                root.add(spans)
            if branches:
                used.append(solution)
        if not used:
            return
        question = used[0].record["question"]
        value = {
            "question_id": used[0].problem_id,
            "question": question["problem"],
            "final_answer": question["ground_truth_answer"],
            "reasoning_steps": {
                "text": question["problem"],
                "mc_value": _root_value(used, of_problem),
                "children": root.below(),
            },
        }
        yield Row(value, used[0], list(root.ids()), also=used[1:])

    def rows_of(self, solution: MarkedSolution) -> Iterator[Row]:
        yield from self.rows([solution])

    def schema(self) -> "pa.Schema":
        import pyarrow as pa

        text = pa.string()
        names = ("question_id", "question", "final_answer", "reasoning_steps")
        return pa.schema(dict.fromkeys(names, text))

    def _branches(self, solution: MarkedSolution) -> Iterator[list[Span]]:
        """Yield the spans of the whole path, and then those up to each other candidate."""
        if solution.record["label"]["finish_reason"] in UNFIT:
            return
        separator = SEPARATOR if self.options.separator is None else self.options.separator
        drawn = {
            prefix["steps"]: prefix["hits"] / len(prefix["answers"])
            for prefix in solution.evidence.get("prefixes", ())
        }
        spans: list[Span] = []
        waiting: list[str] = []
        others: list[list[Span]] = []

        def span(mark: Mark, value: float) -> Span:
            text = separator.join([*waiting, mark.text])
            return Span(text, value, f"{solution.id}/{mark.id}")

        for steps, stop in enumerate(solution.whole_path(), 1):
            step = stop.step
            if self.options.alternatives == "keep":
                others += [
                    [*spans, span(other, other.soft)]
                    for other in stop.alternatives
                    if other.soft is not None
                ]
            if step is None:
                break
            value = drawn.get(steps, step.soft)
            if value is None:
                waiting.append(step.text)
            else:
                spans.append(span(step, value))
                waiting = []
            if self.options.truncate and step.rating == NEGATIVE:
                break
        yield spans
        yield from others


def _root_value(
    used: Sequence[MarkedSolution], of_problem: Sequence[MarkedSolution]
) -> float | None:
    """Return how often the answer is reached from nothing: as imported, or by the solutions."""
    for solution in used:
        if ROOT_VALUE in solution.evidence:
            return float(solution.evidence[ROOT_VALUE])
    graded = {
        one.id: one.solution
        for one in of_problem
        if one.solution["is_correct"] is not None and not one.solution["hint"]
    }.values()
    drawn = sum(one["times_drawn"] for one in graded)
    right = sum(one["times_drawn"] for one in graded if one["is_correct"])
    return right / drawn if drawn else None
