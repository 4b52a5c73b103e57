"""A solution with marks on its steps, as datasets keep it and exporters read it.

It is one JSON object: a PRM800K record, which says what was marked, and beside it what that form
has no place for. `MarkedSolution.from_json` and `as_json` are its only spelling (docs/datasets.md).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from datasets_app.path import taken_candidate

Json = dict[str, Any]
LabelerKind = Literal["person", "model", "verdict", "none"]
HUMAN_RATING = 1
"""A step that a person wrote counts as right (docs/formats.md)."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What was said of one step, or of another candidate for its position."""

    id: str
    """`position.alternative`, the same wherever the solution is: `0` is the solution's own step."""
    text: str
    rating: int | None
    """-1, 0, 1; None is "not rated", never wrong."""
    soft: float | None
    """How right the step is, from 0 to 1, where whoever marked it says so."""
    probabilities: tuple[float, float, float] | None
    """P(-1), P(0), P(+1), where a model gives them."""
    is_human: bool = False
    """Whether a person wrote the step."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One position of the path that the marks follow."""

    step: Mark | None
    """The step taken; None at the unfinished end of a solution that was given up."""
    alternatives: list[Mark]
    """The candidates passed by, each judged on the steps before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedSolution:
    """One solution with the marks of one labeler, with those agreed, or with none."""

    id: str
    """UUID of the solution, made of what it says: the same on every machine."""
    problem_id: str
    """UUID of the problem, likewise; problems that differ in spelling alone share it."""
    split: str
    problem: Json
    """`source`, `split`, `subject`, `level`, `external_id` as the project has them: text."""
    solution: Json
    """`text` (null where it was built step by step), `engine`, `model`, `prompt_name`, `hint` (true
    where the reference answer was shown), `is_correct`, `grader`, `times_drawn`,
    `completion_tokens`."""
    labeler_kind: LabelerKind
    labeler: str
    """Name of the model; the public UUID of a person; empty for verdicts and none."""
    rule: str
    """What decided a verdict; of a model its name, of a person what made the assignment, or
    `imported`; may be empty."""
    weight: float
    """1 / the number of times that the dataset has this solution."""
    score: float | None
    """Of the whole solution, by its labeler."""
    agreement: float | None
    """Share of the labelers of this solution that found the same first error, this one included;
    None where fewer than two marked it."""
    evidence: Json
    """What a judge keeps, such as the rollouts after each prefix (docs/judges.md)."""
    record: Json
    """As PRM800K record, spelt the usual way with all its keys."""
    shape: Json
    """How an imported record was spelt: `shape.respell` makes it so again."""
    marks: list[list[list[Any]]]
    """For each position of `record.label.steps`, for each of its completions and then its human
    completion: `[alternative, soft, probabilities]`."""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "MarkedSolution":
        """Return the marked solution of `value`, which becomes part of it."""
        return cls(**value)

    def as_json(self) -> Json:
        return {name: getattr(self, name) for name in _NAMES}

    def taken(self) -> Iterator[tuple[str, int | None]]:
        """Yield id and rating of each step of the path: what `path` says of them, for less."""
        for position, step in enumerate(self.record["label"]["steps"]):
            index = step["chosen_completion"]
            if index is None:
                index = taken_candidate(step)
            if index is not None:
                rating = step["completions"][index]["rating"]
            elif step["human_completion"] is not None:
                index, rating = -1, HUMAN_RATING
            else:
                return
            yield f"{position}.{self.marks[position][index][0]}", rating

    def path(self) -> Iterator[Stop]:
        """Yield the stops in order; a stub (the end of what was given up) is the last one."""
        for position, step in enumerate(self.record["label"]["steps"]):
            listed = step["completions"] or []
            beside = self.marks[position]
            marks = [
                _mark(position, *one) for one in zip(listed, beside[: len(listed)], strict=True)
            ]
            index = taken_candidate(step)
            if index is not None:
                yield Stop(marks[index], marks[:index] + marks[index + 1 :])
            elif step["human_completion"] is not None:
                yield Stop(_mark(position, step["human_completion"], beside[-1], True), marks)
            else:
                yield Stop(None, marks)
                return

    def whole_path(self) -> Iterator[Stop]:
        """Yield the stops of `path`, and then the solution's own steps that nobody marked.

        Where the path left the solution there are none: they were written behind other steps.
        """
        passed: list[str] = []
        for stop in self.path():
            yield stop
            if stop.step is None:
                return
            passed.append(stop.step.text)
        own = self.record["question"].get("pre_generated_steps") or []
        if passed == own[: len(passed)]:
            for position in range(len(passed), len(own)):
                yield Stop(Mark(f"{position}.0", own[position], None, None, None), [])


def _mark(position: int, candidate: Json, beside: list[Any], is_human: bool = False) -> Mark:
    alternative, soft, probabilities = beside
    if probabilities is not None:
        negative, neutral, positive = map(float, probabilities)
        probabilities = (negative, neutral, positive)
    return Mark(
        f"{position}.{alternative}",
        candidate["text"],
        HUMAN_RATING if is_human else candidate["rating"],
        None if soft is None else float(soft),  # PostgreSQL writes 1.0 as 1
        probabilities,
        is_human,
    )


_NAMES = tuple(one.name for one in fields(MarkedSolution))
