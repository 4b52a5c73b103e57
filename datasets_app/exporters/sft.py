"""Prompts with completions to imitate, for supervised fine-tuning.

Format: huggingface/trl, docs/source/dataset_formats.md (prompt-completion).
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from datasets_app.exporters.base import Exporter, ExportOptions, Row
from datasets_app.exporters.labelled import UNFIT
from datasets_app.exporters.wholes import found_right, found_wrong, is_marked, once_each, written
from datasets_app.marked import MarkedSolution

if TYPE_CHECKING:
    import pyarrow as pa


class SftExporter(Exporter):
    """`{"prompt": …, "completion": …}`, of solutions that are right.

    Right is one that somebody marked whole, with each step right, and in which nobody found a
    wrong one; or, where nobody marked a step, one with the right answer, unless it was written
    with the answer in view.
    """

    name = "sft"
    defaults = ExportOptions(neutral="positive", truncate=False, alternatives="none")
    neutral_choices = ("positive", "negative", "drop")
    truncate_choices = (False,)
    alternatives_choices = ("none",)

    def rows(self, of_problem: Sequence[MarkedSolution]) -> Iterator[Row]:
        wrong = {one.id for one in of_problem if found_wrong(one, self)}
        marked = {one.id for one in of_problem if is_marked(one)}
        fit = [
            one
            for one in of_problem
            if one.id not in wrong and (is_marked(one) or one.id not in marked)
        ]
        yield from once_each(fit, self)

    def rows_of(self, solution: MarkedSolution) -> Iterator[Row]:
        text, steps = "", []
        if is_marked(solution):
            steps = found_right(solution, self)
            text = written(solution, [mark.text for mark in steps])
        elif _is_right_by_its_answer(solution):
            text = solution.solution["text"].strip()
        if text:
            value = {
                "prompt": solution.record["question"]["problem"],
                # The trainer puts the two together as they are.
                "completion": f"\n{text}",
            }
            yield Row(value, solution, [mark.id for mark in steps])

    def schema(self) -> "pa.Schema":
        import pyarrow as pa

        return pa.schema({"prompt": pa.string(), "completion": pa.string()})


def _is_right_by_its_answer(solution: MarkedSolution) -> bool:
    facts = solution.solution
    is_fit = solution.record["label"]["finish_reason"] not in UNFIT
    return bool(facts["is_correct"] and facts["text"] and not facts["hint"] and is_fit)
