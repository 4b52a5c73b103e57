"""The labelled steps of a marked solution, for formats that have a label for each step."""

from collections.abc import Iterator
from dataclasses import dataclass

from datasets_app.exporters.base import Exporter
from datasets_app.marked import Mark, MarkedSolution
from datasets_app.records import FinishReason

UNFIT: tuple[FinishReason, ...] = ("bad_problem", "give_up")
"""How work ended that nothing should be trained on: PRM800K's users take the rest alone."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A step that has a label, and the steps before it that have none."""

    texts: tuple[str, ...]
    """Of the steps without a label since the last one with, and then of the step itself."""
    is_right: bool
    step: Mark


def labelled_paths(solution: MarkedSolution, exporter: Exporter) -> Iterator[list[Labelled]]:
    """Yield the labelled steps of the path and then, where alternatives are to be rows, those up
    to each alternative that has a label; nothing where there are none.

    "Not rated" is no label: a step without one, be it a neutral one that is dropped, belongs to
    the next that has one, whose label then speaks of the text of both. A tail without labels is
    left out, and so is work that nothing should be trained on.
    """
    if solution.record["label"]["finish_reason"] in UNFIT:
        return
    done: list[Labelled] = []
    waiting: tuple[str, ...] = ()
    branches: list[list[Labelled]] = []

    def labelled(mark: Mark) -> Labelled | None:
        rating = exporter.rating(mark.rating)
        return None if rating is None else Labelled((*waiting, mark.text), rating > 0, mark)

    for stop in solution.path():
        if exporter.options.alternatives == "rows":
            branches += [[*done, one] for other in stop.alternatives if (one := labelled(other))]
        if stop.step is None:
            break
        one = labelled(stop.step)
        if one is None:
            waiting = (*waiting, stop.step.text)
            continue
        done.append(one)
        waiting = ()
        if exporter.options.truncate and not one.is_right:
            break
    yield from (path for path in (done, *branches) if path)
