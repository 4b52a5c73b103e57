"""The path that a labeler followed through the candidates of a solution.

A labelled position is in one of PRM800K's four states: a candidate was chosen; a person wrote the
step; nothing was chosen and a candidate is rated -1, where the first candidate is the solution's
own step, found wrong; anything else is the unfinished stub of a solution that was given up. (The
one-line reconstruction in PRM800K's README goes wrong on the last three.)
"""

from collections.abc import Iterable
from typing import Any

from labelers.trace import Rating

NEGATIVE: Rating = -1
Json = dict[str, Any]


def taken(chosen: int | None, is_human: bool, ratings: Iterable[int | None]) -> int | None:
    """Return which candidate the solution went on with or was found wrong at; None for none.

    `is_human` tells whether a person wrote the step; `ratings` are the candidates', in order.
    """
    if chosen is not None or is_human:
        return chosen
    return 0 if NEGATIVE in ratings else None


def taken_candidate(step: Json) -> int | None:
    """Return `taken` of one of a record's `label.steps`."""
    ratings = (candidate["rating"] for candidate in step["completions"] or ())
    return taken(step["chosen_completion"], step["human_completion"] is not None, ratings)
