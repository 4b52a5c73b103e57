"""Pairs of a right and a wrong step behind the same steps, for step-level preference formats."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from datasets_app.exporters.base import Exporter
from datasets_app.exporters.labelled import UNFIT
from datasets_app.marked import Mark, MarkedSolution
from datasets_app.path import NEGATIVE


@dataclass(frozen=True, slots=True)
class Candidate:
    solution: MarkedSolution
    mark: Mark
    after: Sequence[str] = ()
    """What its solution went on with, as far as that is right."""
    again: list[MarkedSolution] = field(default_factory=list)
    """Where else the same text is so marked: by other labelers, in other solutions."""


@dataclass(frozen=True, slots=True)
class Pair:
    problem: str
    before: Sequence[str]
    """The steps that both stand behind."""
    chosen: Candidate
    rejected: Candidate

    def step_ids(self) -> list[str]:
        """Return the ids of the chosen and the rejected step, as `Row.steps` has them."""
        chosen, rejected = self.chosen, self.rejected
        if chosen.solution.id == rejected.solution.id:
            return [chosen.mark.id, rejected.mark.id]
        return [chosen.mark.id, f"{rejected.solution.id}/{rejected.mark.id}"]

    def also(self) -> list[MarkedSolution]:
        """Return what the pair is made of beside the solution of the chosen step, each once."""
        chosen, rejected = self.chosen, self.rejected
        parts = (*chosen.again, rejected.solution, *rejected.again)
        return list({id(one): one for one in parts if one is not chosen.solution}.values())


@dataclass(slots=True)
class _Position:
    """What stands behind one prefix, by its text: whoever marked it, in whichever solution."""

    problem: str
    before: list[str]
    right: dict[str, Candidate] = field(default_factory=dict)
    wrong: dict[str, Candidate] = field(default_factory=dict)

    def pairs(self) -> Iterator[Pair]:
        """Pair every right text and every wrong one, the fewer of them more than once.

        A text that is right to one labeler and wrong to another is neither.
        """
        right = [one for text, one in self.right.items() if text not in self.wrong]
        wrong = [one for text, one in self.wrong.items() if text not in self.right]
        for index in range(max(len(right), len(wrong)) if right and wrong else 0):
            chosen, rejected = right[index % len(right)], wrong[index % len(wrong)]
            yield Pair(self.problem, self.before, chosen, rejected)


def pairs(of_problem: Sequence[MarkedSolution], exporter: Exporter) -> Iterator[Pair]:
    """Yield the pairs of one problem's solutions, position by position as they first come.

    Two steps are at one position where problem and steps before them have the same texts.
    Alternatives take part where the options have them in rows, and nothing after a solution's
    first wrong step where they truncate.
    """
    numbers: dict[tuple[int, str], int] = {}
    positions: list[_Position] = []

    def position(parent: int, text: str, problem: str, before: list[str]) -> int:
        number = numbers.setdefault((parent, text), len(positions))
        if number == len(positions):
            positions.append(_Position(problem, before))
        return number

    for solution in of_problem:
        if solution.record["label"]["finish_reason"] in UNFIT:
            continue
        problem = solution.record["question"]["problem"]
        here = position(-1, problem, problem, [])
        stops = list(solution.path())
        after = _right_after([stop.step for stop in stops], exporter)
        for index, stop in enumerate(stops):
            if stop.step is not None:
                _put(positions[here], Candidate(solution, stop.step, after[index]), exporter)
            if exporter.options.alternatives == "rows":
                for other in stop.alternatives:
                    _put(positions[here], Candidate(solution, other), exporter)
            if stop.step is None:
                break
            if exporter.options.truncate and exporter.rating(stop.step.rating) == NEGATIVE:
                break
            before = [*positions[here].before, stop.step.text]
            here = position(here, stop.step.text, problem, before)
    for one in positions:
        yield from one.pairs()


def _put(position: _Position, candidate: Candidate, exporter: Exporter) -> None:
    rating = exporter.rating(candidate.mark.rating)
    if rating:
        kind = position.right if rating > 0 else position.wrong
        first = kind.setdefault(candidate.mark.text.strip(), candidate)
        if first is not candidate:
            first.again.append(candidate.solution)


def _right_after(steps: Sequence[Mark | None], exporter: Exporter) -> list[list[str]]:
    """Return, for each step of a path, the right steps that follow it without a gap."""
    after: list[list[str]] = []
    following: list[str] = []
    for step in reversed(steps):
        after.append(following)
        is_right = step is not None and (exporter.rating(step.rating) or 0) > 0
        following = [step.text, *following] if step is not None and is_right else []
    return after[::-1]
