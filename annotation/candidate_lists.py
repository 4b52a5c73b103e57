"""Which candidates stand after which steps of a solution that is being built.

A labeler may go back and choose otherwise, and a slot may pass to another labeler, so that the
steps of one position need not share one prefix. Each list is therefore known by the digest of the
steps before it, in the solution's metadata; the candidates themselves are Steps. They are numbered
from 1: 0 is for the path that is taken in the end (`annotation.building`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from django.db.models import Q

from annotation.digests import digest
from annotation.models import Annotation, Lease, Solution, Step

KEY = "candidates"


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateList:
    """What stands after one prefix."""

    position: int
    steps: tuple[int, ...] = ()
    """Ids of the Steps, in the order in which they are shown."""
    lease: int | None = None
    """For whom an engine was asked to add to them last,"""
    piece: int | None = None
    """by which RunSlice,"""
    asked_at: str = ""
    """when (ISO 8601),"""
    times_asked: int = 0
    """and how often it was in all."""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "CandidateList":
        return cls(**{**value, "steps": tuple(value["steps"])})


def prefix_key(texts: Sequence[str]) -> str:
    """Return the name of the list that stands after steps of these texts."""
    return str(digest(*texts))


def list_after(solution: Solution, texts: Sequence[str]) -> CandidateList | None:
    """Return what was found so far after steps of these texts; None: nobody has looked."""
    kept = solution.metadata.get(KEY, {}).get(prefix_key(texts))
    return None if kept is None else CandidateList.from_json(kept)


def keep(solution: Solution, texts: Sequence[str], candidates: CandidateList) -> None:
    """Save the list after `texts` on a solution that the caller has locked."""
    lists = {**solution.metadata.get(KEY, {}), prefix_key(texts): asdict(candidates)}
    _save(solution, lists)


@dataclass(frozen=True, slots=True)
class Found:
    """A candidate that is no Step of the solution yet."""

    text: str
    writer: str = field(default=Step.Writer.MODEL)


def add(
    solution: Solution, texts: Sequence[str], found: Sequence[Found], *, at_most: int
) -> list[Step]:
    """Append to the list after `texts` what it lacks of `found`, and return the new Steps.

    Texts that it has are passed over, and so is what is beyond `at_most`. They are ordered by a
    digest, which tells nothing of where they came from. The caller has locked the solution.
    """
    position = len(texts)
    now = list_after(solution, texts) or CandidateList(position=position)
    here = list(Step.objects.filter(solution=solution, position=position))
    listed = {step.text for step in here if step.pk in now.steps}
    fresh = {one.text: one for one in found if one.text not in listed}
    ordered = sorted(fresh.values(), key=lambda one: digest(str(solution.pk), one.text).bytes)
    first = max((step.alternative for step in here), default=0) + 1
    made = Step.objects.bulk_create(
        Step(
            solution=solution,
            position=position,
            alternative=number,
            text=one.text,
            writer=one.writer,
        )
        for number, one in enumerate(ordered[: max(0, at_most - len(now.steps))], first)
    )
    keep(solution, texts, replace(now, steps=(*now.steps, *(step.pk for step in made))))
    return made


def forget_other_paths(lease: Lease) -> int:
    """Remove what an earlier holder of the slot was shown, as one begins with an empty draft.

    The candidates for the first position stay, and so does every list that an annotation refers
    to, or a draft that may still be handed in late. Returns how many candidates were removed.
    Needs a transaction.
    """
    solution = Solution.objects.select_for_update().get(pk=lease.solution_id)
    in_use = _in_use(solution)
    kept, gone = {}, set[int]()
    for key, value in solution.metadata.get(KEY, {}).items():
        candidates = CandidateList.from_json(value)
        if candidates.position == 0 or not in_use.isdisjoint(candidates.steps):
            kept[key] = value
        else:
            gone.update(candidates.steps)
    _save(solution, kept)
    Step.objects.filter(solution=solution, pk__in=gone).delete()
    return len(gone)


def _in_use(solution: Solution) -> set[int]:
    """Return the ids of steps that annotations or drafts of the solution speak of."""
    spoken_of = Q(labels__annotation__solution=solution) | Q(
        pk__in=Annotation.objects.filter(solution=solution).values("positions__chosen")
    )
    in_use = set(Step.objects.filter(spoken_of, solution=solution).values_list("pk", flat=True))
    for draft in Lease.objects.filter(solution=solution).values_list("draft", flat=True):
        in_use.update(int(step) for step in draft.get("marks", ()))
        chosen = (choice.get("chosen") for choice in draft.get("choices", ()))
        in_use.update(step for step in chosen if step is not None)
    return in_use


def _save(solution: Solution, lists: Mapping[str, Any]) -> None:
    solution.metadata = {**solution.metadata, KEY: dict(lists)}
    solution.save(update_fields=["metadata"])
