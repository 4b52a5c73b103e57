"""Projects with a policy, and the marks that people and models leave in them."""

from collections.abc import Sequence
from typing import Any

from annotation import changes, leases, route, routing, runs
from annotation.drafts import Draft, Mark
from annotation.handing_in import hand_in
from annotation.models import Annotation, Assignment, Lease, Project, Solution, Step, Verdict
from annotation.policy import Policy
from annotation.reviewing import claim_review
from annotation.submission import Submission, submit
from labelers.models import Labeler
from labelers.registration import labeler_of
from labelers.trace import StepJudgement
from tests.factories import make_labeler, make_problem, make_project, make_solution, make_user


def make_routed(policy: dict[str, Any], *, n: int = 3, **fields: Any) -> Project:
    """Make a project of `n` solutions of three steps, whose policy names `prm` and `judge`."""
    for name in ("prm", "judge"):
        if not Labeler.objects.filter(name=name).exists():
            make_labeler(name)
    project = make_project(**fields)
    problem = make_problem(project)
    for number in range(n):
        make_solution(problem, [f"Step {number}.", "And on.", "So it is."], final_answer="18")
    set_policy(project, policy)
    return project


def set_policy(project: Project, policy: dict[str, Any] | None) -> None:
    project.refresh_from_db()
    wanted = None if policy is None else Policy.from_json(policy)
    run = changes.change_policy(project=project, seen=project.routing, policy=wanted)
    runs.work_here(run, routing.route_slice)
    project.refresh_from_db()


def look_again(project: Project) -> None:
    """Have all solutions of a project wait to be looked at, as workers would."""
    runs.work_here(route.look_again(project), routing.route_slice)


def catch_up(project: Project) -> None:
    route.catch_up(project=project)


def ratings_of(first_error: int, n_steps: int = 3) -> list[int]:
    """Return the marks of whoever finds `first_error`, -1 for none."""
    return [1] * n_steps if first_error < 0 else [1] * first_error + [-1]


def judged(
    solution: Solution,
    name: str,
    first_error: int,
    *,
    sure: float = 1.0,
    score: float | None = None,
) -> Annotation:
    """Have a model labeler submit its marks through the door that all take."""
    slot = Assignment.objects.get(solution=solution, labeler__name=name)
    assert slot.labeler is not None
    at_last = 1 - sure if first_error >= 0 else sure
    ratings = ratings_of(first_error)
    marks = [
        StepJudgement(rating=rating, score=at_last if place == len(ratings) - 1 else 1.0)  # type: ignore[arg-type] # one of three
        for place, rating in enumerate(ratings)
    ]
    work = Submission(assignment_id=slot.pk, marks=marks, score=score)
    (annotation,) = submit(labeler=slot.labeler, submissions=[work])
    return annotation


def claimed(project: Project, labeler: Labeler | None = None) -> Lease:
    lease = leases.claim_next(labeler=labeler or labeler_of(make_user()), project=project)
    assert lease is not None
    return lease


def claimed_for_review(project: Project, labeler: Labeler | None = None) -> Lease:
    lease = claim_review(labeler=labeler or labeler_of(make_user()), project=project)
    assert lease is not None
    return lease


def marked(lease: Lease, first_error: int) -> Annotation:
    """Hand in what finds `first_error`, -1 for none, on the solution of a lease."""
    steps = Step.objects.filter(solution=lease.solution_id, alternative=0).order_by("position")
    marks = dict(zip(steps, ratings_of(first_error), strict=False))
    draft = Draft(marks={step.pk: Mark(rating=rating) for step, rating in marks.items()})  # type: ignore[arg-type] # one of three
    return hand_in(lease, draft).annotation


def slots_of(project: Project, *, state: str = "open") -> list[tuple[int, str]]:
    """Return the solution and the reason of each slot for people, in the order of the queue."""
    slots = project.assignments.for_people().filter(state=state).order_by("-priority", "pk")
    return list(slots.values_list("solution", "reason"))


def review_slots(project: Project) -> list[tuple[int, str]]:
    slots = project.assignments.open().for_review().order_by("pk")
    return list(slots.values_list("solution", "reason"))


def verdicts_of(solution: Solution) -> Sequence[tuple[int, float, str]]:
    verdicts = Verdict.objects.filter(solution=solution).order_by("step__position")
    return [(one.rating, round(one.soft, 3), one.rule) for one in verdicts]
