"""The path that an annotation follows through the candidates of a PRM800K record."""

from collections.abc import Iterator
from dataclasses import dataclass

from datasets_app.exporters.base import Json

NEGATIVE = -1


@dataclass(slots=True)
class Stop:
    """One position of the path."""

    text: str | None
    """The step taken; None where the labeler took none."""
    rating: int | None
    """+1 for a step that a person wrote."""
    alternatives: list[Json]
    """The candidates passed by, each judged on the steps before."""


def follow(steps: list[Json]) -> Iterator[Stop]:
    """Yield the stops of `label.steps` in order, by PRM800K's four step states.

    The chosen candidate or the human step is taken; where neither is and some candidate is -1,
    the first is the solution's own step, found wrong. Anything else is an unfinished stub, and
    the last stop.
    """
    for step in steps:
        candidates = step["completions"] or []
        taken = taken_candidate(step)
        if taken is not None:
            candidate = candidates[taken]
            others = candidates[:taken] + candidates[taken + 1 :]
            yield Stop(candidate["text"], candidate["rating"], others)
        elif step["human_completion"] is not None:
            yield Stop(step["human_completion"]["text"], 1, candidates)
        else:
            yield Stop(None, None, candidates)
            return


def taken_candidate(step: Json) -> int | None:
    """Return which candidate the solution went on with or ended with in error; None for none."""
    chosen: int | None = step["chosen_completion"]
    if chosen is not None or step["human_completion"] is not None:
        return chosen
    candidates = step["completions"] or []
    return 0 if any(candidate["rating"] == NEGATIVE for candidate in candidates) else None
