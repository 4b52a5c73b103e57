"""What tests of explore mode share: a slot in somebody's hands, and a labeler who marks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from annotation import drafts, leases, routing, run_kinds, runs
from annotation.candidates import Candidates, candidates_at, go_on
from annotation.drafts import Choice, Draft, Mark
from annotation.models import Lease, Problem, Project, Run, RunSlice, Step
from labelers.models import Labeler
from labelers.registration import labeler_of
from labelers.trace import Rating
from tests.factories import make_problem, make_project, make_solution, make_user

DRAWING = {"engine": "scripted", "prompt": "zero_shot_cot"}


def someone() -> Labeler:
    return labeler_of(make_user())


def make_exploring(*solutions: Sequence[str], **fields: Any) -> Problem:
    """Make a problem, in an explore project, with written solutions of these steps."""
    project = make_project(mode=Project.Mode.EXPLORE, **fields)
    problem = make_problem(project)
    for steps in solutions:
        make_solution(problem, steps)
    return problem


def claim(project: Project, labeler: Labeler | None = None) -> Lease:
    routing.route(project=project)
    lease = leases.claim_next(labeler=labeler or someone(), project=project)
    assert lease is not None
    return lease


def draft_of(lease: Lease) -> Draft:
    return Draft.from_json(Lease.objects.get(pk=lease.pk).draft)


def look(lease: Lease) -> Candidates:
    """Return what the labeler sees now, where the draft that was kept stands."""
    kept = Lease.objects.select_related("project").get(pk=lease.pk)
    return candidates_at(kept, Draft.from_json(kept.draft))


def texts(candidates: Candidates) -> list[str]:
    return [step.text for step in candidates.steps]


def keep(lease: Lease, draft: Draft) -> Lease:
    version = Lease.objects.get(pk=lease.pk).draft_version
    return drafts.save(lease, draft, based_on=version, key=uuid4())


def rating_by(
    lease: Lease, rating: Callable[[Step], Rating | None], draft: Draft | None = None
) -> Draft:
    """Return the draft with a mark on every step that is shown; None is Unsure."""
    draft = draft or draft_of(lease)
    said = {step.pk: rating(step) for step in look(lease).steps}
    marks: Mapping[int, Mark] = {
        pk: Mark(rating=rating, flagged=rating is None) for pk, rating in said.items()
    }
    return Draft(marks={**draft.marks, **marks}, choices=draft.choices, active_ms=draft.active_ms)


def step_on(
    lease: Lease,
    rating: Callable[[Step], Rating | None] = lambda step: 1,
    choice: Choice | None = None,
) -> Lease:
    """Mark what is shown and go on."""
    version = Lease.objects.get(pk=lease.pk).draft_version
    draft = rating_by(lease, rating)
    return go_on(lease, draft, choice or Choice(), based_on=version, key=uuid4())


def candidates_run() -> Run:
    return Run.objects.get(kind=Run.Kind.CANDIDATES)


def take_slice() -> RunSlice:
    piece = runs.claim(candidates_run().pk)
    assert piece is not None
    return piece


def draw() -> bool:
    """Do the slice that waits, as a worker does."""
    piece = take_slice()
    return runs.work(piece, run_kinds.slice_work(piece.run))
