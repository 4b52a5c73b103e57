"""Solutions as one text, for formats that have no steps."""

from collections.abc import Iterator, Sequence

from datasets_app.exporters.base import Exporter, Row
from datasets_app.exporters.labelled import UNFIT
from datasets_app.marked import Mark, MarkedSolution


def own_steps(solution: MarkedSolution) -> list[str]:
    """Return the steps of the solution's text; none where it was built step by step."""
    return solution.record["question"].get("pre_generated_steps") or []


def written(solution: MarkedSolution, taken: Sequence[str], *, to_its_end: bool = True) -> str:
    """Return the text of the steps `taken`, as their writer wrote them where they are the
    solution's own, with what stands between them. Other steps have a line each.

    What follows the last of a solution's own steps, such as a line with the answer, comes with
    them unless `to_its_end` says otherwise.
    """
    text, own = solution.solution["text"], own_steps(solution)
    if not (text and own and taken):
        return "\n".join(taken)
    places = _places(text, own)
    shared = 0
    while shared < min(len(taken), len(own)) and taken[shared] == own[shared]:
        shared += 1
    if shared < len(taken):
        gap = text[: places[shared][0]] if shared < len(own) else f"{text[: places[-1][1]]}\n"
        return str(gap.lstrip() + "\n".join(taken[shared:]))
    end = len(text) if shared == len(own) and to_its_end else places[shared - 1][1]
    return str(text[:end].strip())


def _places(text: str, own: Sequence[str]) -> list[tuple[int, int]]:
    """Return from where to where each step stands in the text."""
    places, end = [], 0
    for step in own:
        start = text.index(step, end)
        end = start + len(step)
        places.append((start, end))
    return places


def is_marked(solution: MarkedSolution) -> bool:
    """Whether anything was said of a step of the solution's path."""
    return any(stop.step is not None and stop.step.rating is not None for stop in solution.path())


def found_right(solution: MarkedSolution, exporter: Exporter) -> list[Mark]:
    """Return the steps of a solution that was marked whole, each of them right; else none.

    Nobody found an error in one whose answer is wrong: that is an oversight, not a right solution.
    """
    label = solution.record["label"]
    if label["finish_reason"] in UNFIT or solution.solution["is_correct"] is False:
        return []
    steps = [stop.step for stop in solution.path()]
    taken = [step for step in steps if step and (exporter.rating(step.rating) or 0) > 0]
    is_finished = label["finish_reason"] == "solution" and solution.labeler_kind != "model"
    is_whole = is_finished or [step.text for step in taken] == own_steps(solution)
    return taken if is_whole and len(taken) == len(steps) else []


def found_wrong(solution: MarkedSolution, exporter: Exporter) -> bool:
    """Whether a step of the path is rated wrong."""
    return any(
        (exporter.rating(stop.step.rating) or 0) < 0 for stop in solution.path() if stop.step
    )


def once_each(of_problem: Sequence[MarkedSolution], exporter: Exporter) -> Iterator[Row]:
    """Yield the row of each solution once, however many labelers marked it so."""
    rows: dict[tuple[str, str], Row] = {}
    also: dict[tuple[str, str], list[MarkedSolution]] = {}
    for solution in of_problem:
        for row in exporter.rows_of(solution):
            key = solution.id, str(row.value)
            if key in rows:
                also[key].append(solution)
            else:
                rows[key], also[key] = row, []
    for key, row in rows.items():
        yield Row(row.value, row.solution, row.steps, also[key])
