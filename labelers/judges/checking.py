"""What a judge says, held against its contract: what could not be kept becomes a reason.

A judge is a plug-in. One wrong number of it would otherwise break the whole batch when it is
written, or all that is derived from it later.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from reprlib import repr as short
from typing import Any

from labelers.engines.base import storable
from labelers.trace import COUNTS, Cost, Judgement, StepJudgement, Unjudged

CLASSES = {"-1", "0", "1"}
RATINGS = [(int, -1), (int, 0), (int, 1), (type(None), None)]
SUM_TOLERANCE = 0.01
"""By how much class probabilities may miss 1: half precision misses it by up to 0.004 a class."""
MAX_COUNT = 2**31 - 1


class Flaw(ValueError):
    """A field of a judgement that is not what it must be; the message names it."""


def checked(judged: Judgement | Unjudged, *, step_count: int) -> Judgement | Unjudged:
    """Return what a judge said of a solution of `step_count` steps, if it can be kept.

    Otherwise return why not, with what it cost as far as that can be believed.
    """
    if not isinstance(judged, Judgement | Unjudged):
        return Unjudged(reason=f"the judge's answer is no judgement: {short(judged)}")
    cost = judged.cost if _is_cost(judged.cost) else Cost()
    if isinstance(judged, Unjudged):
        waits = judged.retry_after_s
        if waits is not None and not _is_number(waits, 0, math.inf):
            waits = 0.0
        reason = storable(str(judged.reason))
        return replace(judged, reason=reason, retry_after_s=waits, cost=cost)
    try:
        _check(judged, step_count)
    except Flaw as flaw:
        why = str(flaw)
    except Exception as error:  # noqa: BLE001 - of another shape than could be foreseen
        why = f"{type(error).__name__}: {error}"
    else:
        return judged
    return Unjudged(reason=storable(f"the judge's answer cannot be kept: {why}"), cost=cost)


def _check(judgement: Judgement, step_count: int) -> None:
    if len(judgement.steps) > step_count:
        raise Flaw(f"{len(judgement.steps)} marks for {step_count} steps")
    _check_share("score", judgement.score)
    for place, mark in enumerate(judgement.steps):
        _check_mark(f"steps[{place}]", mark)
    if not isinstance(judgement.evidence, dict):
        raise Flaw(f"evidence: a dict, not {short(judgement.evidence)}")
    try:
        json.dumps(judgement.evidence, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise Flaw(f"evidence: {error}") from error
    for text in _texts(judgement.evidence):
        _check_text("evidence", text)
    if not _is_cost(judgement.cost):
        raise Flaw(f"cost: counts from 0 to {MAX_COUNT}, not {judgement.cost!r}")


def _check_mark(name: str, mark: StepJudgement) -> None:
    # The database tells True from 1 and 1.0 from 1.
    if (type(mark.rating), mark.rating) not in RATINGS:
        raise Flaw(f"{name}.rating: -1, 0, 1 or None, not {short(mark.rating)}")
    _check_share(f"{name}.score", mark.score)
    _check_text(f"{name}.comment", mark.comment)
    if mark.probabilities is not None:
        _check_probabilities(f"{name}.probabilities", mark.probabilities)


def _check_share(name: str, value: object) -> None:
    if value is not None and not _is_number(value, 0, 1):
        raise Flaw(f"{name}: a number from 0 to 1 or None, not {short(value)}")


def _check_probabilities(name: str, shares: Mapping[str, float]) -> None:
    if set(shares) != CLASSES:
        raise Flaw(f"{name}: of -1, 0 and 1, not of {', '.join(sorted(map(str, shares)))}")
    if not all(_is_number(share, 0, 1) for share in shares.values()):
        raise Flaw(f"{name}: numbers from 0 to 1, not {short(dict(shares))}")
    if abs(sum(shares.values()) - 1) > SUM_TOLERANCE:
        raise Flaw(f"{name}: their sum is 1, not {sum(shares.values()):g}")


def _check_text(name: str, text: object) -> None:
    if not isinstance(text, str):
        raise Flaw(f"{name}: a text, not {short(text)}")
    if text != storable(text):
        raise Flaw(f"{name}: holds NUL or half of a character, which no database keeps")


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a JSON value, names included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _texts(name)
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def _is_number(value: object, least: float, most: float) -> bool:
    # True and False are numbers to Python. NaN lies in no range.
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _is_cost(cost: object) -> bool:
    counts = [getattr(cost, name, None) for name in COUNTS]
    return all(isinstance(count, int) and 0 <= count <= MAX_COUNT for count in counts)
