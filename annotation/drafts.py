"""Unfinished work: what a labeler has marked so far on the solution they hold.

A draft is kept whole, with a version. Whoever saves says on which version theirs is based: a tab
that did not see the newest one is told so, and overwrites nothing.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from annotation import leases
from annotation.models import Lease
from labelers.trace import Rating

GIVE_UP = "give_up"
BAD_PROBLEM = "bad_problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A labeler's mark on one step. Unsure is a flag without a rating."""

    rating: Rating | None = None
    flagged: bool = False
    comment: str = ""

    @property
    def is_made(self) -> bool:
        return self.rating is not None or self.flagged


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How the trajectory went on at one position of explore mode: one of the two."""

    chosen: int | None = None
    """Id of the step."""
    human: str | None = None
    """The step that the labeler wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A labeler's work on one solution, as far as it has come."""

    marks: Mapping[int, Mark] = field(default_factory=dict)
    """By the id of the step."""
    choices: tuple[Choice, ...] = ()
    """Explore mode: one for each position that is done, in order."""
    end: str = ""
    """"give_up", "bad_problem", or "" for work that ends by its marks."""
    reason: str = ""
    progress: int | None = None
    """How far the solution had come at its error, 0 (nowhere) to 4 (all but done)."""
    critiques: Mapping[int, Rating] = field(default_factory=dict)
    """Ratings of other labelers' comments on the mistake, by the id of their StepLabel."""
    bad_splits: tuple[int, ...] = ()
    """Positions whose text is not one step."""
    active_ms: int = 0
    score: float | None = None
    """A program's score for the solution, from 0 to 1: how sure it is that nothing is wrong."""

    def as_json(self) -> dict[str, Any]:
        whole = asdict(self)
        for name in ("marks", "critiques"):
            whole[name] = {str(key): value for key, value in whole[name].items()}
        return whole

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Draft":
        """Read what `as_json` wrote; nothing at all is an empty draft."""
        return cls(
            marks={int(key): Mark(**mark) for key, mark in value.get("marks", {}).items()},
            choices=tuple(Choice(**choice) for choice in value.get("choices", ())),
            end=value.get("end", ""),
            reason=value.get("reason", ""),
            progress=value.get("progress"),
            critiques={int(key): rating for key, rating in value.get("critiques", {}).items()},
            bad_splits=tuple(value.get("bad_splits", ())),
            active_ms=value.get("active_ms", 0),
            score=value.get("score"),
        )


class Stale(Exception):
    """The draft was saved by somebody else since: `lease` has the newer one."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(f"version {lease.draft_version} is newer")
        self.lease = lease


@transaction.atomic
def save(lease: Lease, draft: Draft, *, based_on: int, key: UUID) -> Lease:
    """Keep `draft` as the next version and hold on to the slot; return the lease as it is now.

    The same `key` again changes nothing: an answer that got lost is only given again. Work on a
    lease that has ended goes on under a new one where the slot is still open; otherwise it is kept
    where it was. Raises Stale when `based_on` is not the newest version.
    """
    held = Lease.objects.select_for_update().select_related("project").get(pk=lease.pk)
    if held.draft_key == key:
        return held
    if held.draft_version != based_on:
        raise Stale(held)
    held.draft, held.draft_key, held.draft_version = draft.as_json(), key, based_on + 1
    held.save(update_fields=["draft", "draft_key", "draft_version"])
    leases.extend(held)
    return held
