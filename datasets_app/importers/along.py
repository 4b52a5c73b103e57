"""Marks on a solution's own steps, one after the other, as formats without alternatives have."""

from collections.abc import Sequence

from datasets_app.path import NEGATIVE
from datasets_app.records import CandidateRecord, PositionRecord
from labelers.trace import Rating


def along(
    steps: Sequence[str],
    ratings: Sequence[Rating | None],
    soft: Sequence[float | None] = (),
) -> tuple[PositionRecord, ...]:
    """Return the positions of the first steps, up to the last that is rated.

    A wrong step that marks follow was gone on with; one that ends them was not.
    """
    last = max((place for place, rating in enumerate(ratings) if rating is not None), default=-1)
    return tuple(
        PositionRecord(
            candidates=(
                CandidateRecord(
                    text=steps[place],
                    rating=ratings[place],
                    flagged=None,
                    soft=soft[place] if soft else None,
                ),
            ),
            chosen=None if place == last and ratings[place] == NEGATIVE else 0,
        )
        for place in range(last + 1)
    )


def found_error(positions: Sequence[PositionRecord]) -> bool:
    """Tell whether the last of the marks is that a step is wrong."""
    return bool(positions) and positions[-1].chosen is None
