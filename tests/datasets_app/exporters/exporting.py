"""What the tests of exporters have in common."""

from dataclasses import replace
from typing import Any

from datasets_app.exporters import get_exporter
from datasets_app.exporters.base import Row
from datasets_app.marked import MarkedSolution
from tests.datasets_app.marked_json import marked
from tests.datasets_app.prm800k_json import candidate, phase_2, position

Json = dict[str, Any]
PROBLEM = "What is $2+3$?"


def chosen(text: str, rating: int | None = 1) -> Json:
    """Return a position with one candidate, which the solution went on with."""
    return position([candidate(text, rating)], chosen=0)


def solution(*steps: Json, reason: str | None = "solution", **changed: Any) -> MarkedSolution:
    """Return a solution whose own steps are the first candidates of `steps`, marked as these."""
    record = phase_2()
    record["label"] |= {"steps": list(steps), "finish_reason": reason}
    own = [step["completions"][0]["text"] for step in steps if step["completions"]]
    record["question"] |= {"pre_generated_steps": own, "pre_generated_answer": "5"}
    return marked(record, **changed)


def written(one: MarkedSolution, **facts: Any) -> MarkedSolution:
    """Return the solution with other facts of how it was written: `text`, `is_correct`, `hint`."""
    return replace(one, solution=one.solution | facts)


def unmarked(*texts: str, **facts: Any) -> MarkedSolution:
    """Return a solution with the right answer and these steps, of which nobody marked any."""
    one = solution(reason=None, labeler_kind="none")
    one.record["question"]["pre_generated_steps"] = list(texts)
    return written(one, **({"text": "\n".join(texts), "is_correct": True} | facts))


def export(name: str, *solutions: MarkedSolution, **options: Any) -> list[Row]:
    """Return the rows of the exporter of that name, whose defaults `options` change."""
    kind = get_exporter(name)
    return list(kind(replace(kind.defaults, **options)).rows(solutions))


def values(name: str, *solutions: MarkedSolution, **options: Any) -> list[Json]:
    return [row.value for row in export(name, *solutions, **options)]
