"""STaR's rationales for fine-tuning, direct and rationalised.

Source: Zelikman et al. 2022 (arXiv 2203.14465) and ezelikman/STaR.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from datasets_app.exporters.base import Exporter, ExportOptions, Row
from datasets_app.exporters.labelled import UNFIT
from datasets_app.exporters.wholes import found_wrong, once_each, own_steps, written
from datasets_app.marked import MarkedSolution

if TYPE_CHECKING:
    import pyarrow as pa

_ANSWER = re.compile(r"(?:\A|\n)[ \t]*(?:# Answer\s*\n|####)")
_NOTHING_BUT_THE_ANSWER = re.compile(r"(?:so,? )?the answer is\b.*", re.IGNORECASE)


class StarExporter(Exporter):
    """`{"prompt": "Q: …\\nA:", "completion": " …\\n#### 72", "mode": "direct" or "rationalised"}`.

    Of solutions whose final answer is right and in which nobody found a wrong step. `mode` tells
    whether the model was shown the answer; what it was shown is no part of the prompt.
    """

    name = "star"
    defaults = ExportOptions(neutral="positive", truncate=False, alternatives="none")
    neutral_choices = ("positive", "negative", "drop")
    truncate_choices = (False,)
    alternatives_choices = ("none",)

    def rows(self, of_problem: Sequence[MarkedSolution]) -> Iterator[Row]:
        wrong = {one.id for one in of_problem if found_wrong(one, self)}
        yield from once_each([one for one in of_problem if one.id not in wrong], self)

    def rows_of(self, solution: MarkedSolution) -> Iterator[Row]:
        question = solution.record["question"]
        answer, rationale = question["ground_truth_answer"], _rationale(solution)
        is_fit = solution.record["label"]["finish_reason"] not in UNFIT
        if solution.solution["is_correct"] and answer and rationale and is_fit:
            value = {
                "prompt": f"Q: {question['problem']}\nA:",
                "completion": f" {rationale}\n#### {answer}",
                "mode": "rationalised" if solution.solution["hint"] else "direct",
            }
            yield Row(value, solution)

    def schema(self) -> "pa.Schema":
        import pyarrow as pa

        return pa.schema(dict.fromkeys(("prompt", "completion", "mode"), pa.string()))


def _rationale(solution: MarkedSolution) -> str:
    """Return the solution's own steps as written, without the answer that may follow them; empty
    where they say nothing else.
    """
    own = own_steps(solution)
    # Up to the last step: what stands behind it is a line with the answer.
    text = written(solution, own, to_its_end=False)
    answers = [found.start() for found in _ANSWER.finditer(text)]
    rationale = text[: answers[-1]].rstrip() if answers else text
    # What small models make of an answer that they are told.
    return "" if _NOTHING_BUT_THE_ANSWER.fullmatch(rationale) else rationale
