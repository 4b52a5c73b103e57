"""What a version of a dataset holds, counted while it is written."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from datasets_app.marked import Json, MarkedSolution

LONGEST = 100
"""Positions and numbers of steps from here on are counted together."""


@dataclass(slots=True)
class SplitTally:
    """Counts of one split. Keys are text, as in JSON."""

    problems: int = 0
    solutions: int = 0
    """Distinct ones; one that several labelers marked counts once."""
    marked: int = 0
    """Times that a labeler, or a verdict, marks a solution."""
    steps: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    """By rating: -1, 0, 1 and null; of all candidates."""
    path_labels: Counter[str] = field(default_factory=Counter)
    """Of the steps taken alone."""
    first_error: Counter[str] = field(default_factory=Counter)
    """By position, from 0; `none` where no step taken is rated -1."""
    lengths: Counter[str] = field(default_factory=Counter)
    """Solutions by the number of their steps."""
    labeler_kinds: Counter[str] = field(default_factory=Counter)
    labelers: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    finish_reasons: Counter[str] = field(default_factory=Counter)
    correctness: Counter[str] = field(default_factory=Counter)
    subjects: Counter[str] = field(default_factory=Counter)
    levels: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    other_keys: Counter[str] = field(default_factory=Counter)
    """Imported records with keys that PRM800K does not name, by the column that has them."""
    agreement: Counter[str] = field(default_factory=Counter)
    """Marked solutions by agreement, in tenths; `none` where fewer than two marked it."""

    def count(self, one: MarkedSolution, *, is_new: bool) -> None:
        record = one.record
        steps = record["label"]["steps"]
        self.marked += 1
        self._labels(steps)
        self._path(one)
        self.labeler_kinds[one.labeler_kind] += 1
        self.labelers[one.labeler] += 1
        self.rules[one.rule] += 1
        self.finish_reasons[record["label"]["finish_reason"] or "none"] += 1
        self.other_keys.update(_odd_columns(one.shape))
        agreement = one.agreement
        self.agreement["none" if agreement is None else f"{round(agreement, 1):.1f}"] += 1
        if not is_new:
            return
        n_steps = len(record["question"].get("pre_generated_steps") or steps)
        self.solutions += 1
        self.steps += n_steps
        self.lengths[str(min(n_steps, LONGEST))] += 1
        self.correctness[_WORDS[one.solution["is_correct"]]] += 1
        self.models[one.solution["model"]] += 1
        self.subjects[one.problem["subject"]] += 1
        self.levels[one.problem["level"]] += 1

    def _labels(self, steps: list[Json]) -> None:
        ratings = [candidate["rating"] for step in steps for candidate in step["completions"] or ()]
        for rating in ratings:
            self.labels[_RATINGS[rating]] += 1
        self.labels["1"] += sum(step["human_completion"] is not None for step in steps)

    def _path(self, one: MarkedSolution) -> None:
        ratings = [rating for _, rating in one.taken()]
        for rating in ratings:
            self.path_labels[_RATINGS[rating]] += 1
        first_error = str(min(ratings.index(-1), LONGEST)) if -1 in ratings else "none"
        self.first_error[first_error] += 1

    def as_json(self) -> Json:
        """Return the counts, the most frequent first; only the `LISTED` first of many."""
        return {
            name: dict(_listed(value)) if isinstance(value, Counter) else value
            for name in self.__slots__
            for value in (getattr(self, name),)
        }


def _odd_columns(shape: Json) -> set[str]:
    """Return the columns of a record that have what the format does not name (shape.py)."""
    odd = {where for where, unusual in shape.items() if "other" in unusual}
    below = {where.partition(".")[0] for where in odd if where != "record"}
    return below.union(*(shape[where]["other"] for where in odd if where == "record"))


LISTED = 200
_RATINGS = {-1: "-1", 0: "0", 1: "1", None: "null"}
_WORDS = {True: "right", False: "wrong", None: "ungraded"}


def _listed(counter: Counter[str]) -> list[tuple[str, Any]]:
    """Return counts in an order that does not depend on which came first."""
    counted = (entry for entry in counter.items() if entry[1])
    ordered = sorted(counted, key=lambda entry: (-entry[1], entry[0]))
    return ordered[:LISTED]
