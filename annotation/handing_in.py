"""Handing in what a labeler holds: the draft of a lease becomes an Annotation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import events, explore, leases, review
from annotation.building import keep_path
from annotation.claiming import lock
from annotation.drafts import Draft, Stale
from annotation.finished import Finished, Unfinished
from annotation.grading import grade
from annotation.keeping import keep
from annotation.models import (
    Annotation,
    CritiqueRating,
    Lease,
    Project,
    Solution,
    Step,
    StepLabel,
)
from annotation.models.work import NotOpen
from labelers.models import Labeler

# As text: what every submission asks must not be put together anew each time.
_HOLDS = """
SELECT * FROM annotation_lease WHERE solution_id = %s AND labeler_id = %s
ORDER BY id FOR UPDATE
"""
_SOLUTION = "SELECT id, final_answer, generation FROM annotation_solution WHERE id = %s"
_STEPS = "SELECT * FROM annotation_step WHERE solution_id = %s ORDER BY position, alternative"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """What became of the work."""

    annotation: Annotation
    is_new: bool
    """False when this lease's work had been handed in before: nothing was done again."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A lease, locked."""

    lease: Lease
    began_at: datetime
    """When its labeler first held the slot, over all leases that led to this one."""


def hand_in(lease: Lease, draft: Draft, *, based_on: int | None = None) -> HandedIn:
    """Keep `draft` as its labeler's finished work on the solution of `lease`, once.

    `based_on` is the version of the saved draft that the labeler saw, where that is known.

    Work on a lease that has ended takes its slot again if that is still open. Otherwise it is
    surplus: kept without a slot, so that it counts toward no overlap. Raises Unfinished when
    something is missing from the draft, NotOpen for a correction of what was corrected since, and
    Stale when a version was saved that the labeler has not seen.
    """
    handed_in = _once(lease, draft, based_on)
    if lease.project.mode == Project.Mode.EXPLORE:
        _grade(handed_in.annotation)
    return handed_in


def _once(lease: Lease, draft: Draft, based_on: int | None) -> HandedIn:
    # Durable: late work locks its labeler, for whom others wait who hold what is locked here.
    with transaction.atomic(durable=True):
        held = _locked(lease)
        if held.lease.is_open:
            return _new(held, draft, based_on)
    return _once_late(held.lease, draft, based_on)


@transaction.atomic
def _once_late(lease: Lease, draft: Draft, based_on: int | None) -> HandedIn:
    """Hand in work on a lease that has ended: done before, on its slot again, or surplus."""
    # One at a time, and none while they claim: else two of them would both be surplus.
    lock(lease.labeler, lease.project)
    # Before anything is read: another hold of theirs may be handed in just now.
    held = _locked(lease)
    before = _before(lease)
    if before is not None:
        return HandedIn(annotation=before, is_new=False)
    again = leases.regain(lease)
    return _new(held if again is None else _locked(again), draft, based_on)


def _locked(lease: Lease) -> _Held:
    """Return `lease` as it is now, and stays until the end of the transaction."""
    holds = list(Lease.objects.raw(_HOLDS, [lease.solution_id, lease.labeler_id]))
    held = next(hold for hold in holds if hold.pk == lease.pk)
    held.project = lease.project
    began = [
        hold.began_at
        for hold in holds
        if hold.began_at is not None and hold.corrects_id == held.corrects_id
    ]
    return _Held(held, min(began, default=held.claimed_at))


def _before(lease: Lease) -> Annotation | None:
    """Return what was handed in before: of a correction, or of the solution on any lease."""
    if lease.corrects_id is not None:
        return Annotation.objects.filter(lease=lease).first()
    submitted = Annotation.objects.filter(labeler=lease.labeler_id, solution=lease.solution_id)
    return submitted.filter(supersedes=None).first()


def _new(held: _Held, draft: Draft, based_on: int | None) -> HandedIn:
    if based_on not in (None, held.lease.draft_version):
        raise Stale(held.lease)
    return HandedIn(annotation=_keep(held, draft), is_new=True)


def _keep(held: _Held, draft: Draft) -> Annotation:
    """Write the annotation and everything that ends with it. Needs a transaction."""
    lease, project = held.lease, held.lease.project
    (solution,) = Solution.objects.raw(_SOLUTION, [lease.solution_id])
    steps = list(Step.objects.raw(_STEPS, [lease.solution_id]))
    rules = explore if project.mode == Project.Mode.EXPLORE else review
    finished = rules.finish(project, solution, steps, draft)
    _check_asked(project, steps, finished, draft)
    if draft.score is not None and lease.labeler.kind != Labeler.Kind.MODEL:
        raise Unfinished("score", _("Only programs give a score."))
    annotation = _annotation(held, draft, finished)
    annotation.generation = solution.generation
    written = _keep_human_steps(finished, steps, solution.pk)
    keep(annotation, finished, written, lease=lease, draft=draft)
    if project.mode == Project.Mode.EXPLORE:
        annotation.solution = keep_path(annotation)
    _keep_critiques(annotation, finished, draft)
    events.annotations_submitted(project, [annotation])
    return annotation


def _check_asked(project: Project, steps: Sequence[Step], finished: Finished, draft: Draft) -> None:
    """Raise Unfinished for what the project does not ask, and for positions that are not there."""
    for field, is_sent, is_asked in (
        ("progress", draft.progress is not None, project.ask_progress),
        ("critiques", bool(draft.critiques), project.ask_critique),
    ):
        if is_sent and not is_asked:
            raise Unfinished(field, _("This project does not ask for this."))
    positions = {step.position for step in steps}
    positions |= {position.position for position in finished.positions}
    if not positions.issuperset(draft.bad_splits):
        raise Unfinished("bad_splits", _("The solution has no such step."))


def _annotation(held: _Held, draft: Draft, finished: Finished) -> Annotation:
    lease, corrected = held.lease, None
    if lease.corrects_id is not None:
        corrected = Annotation.objects.select_for_update(no_key=True).get(pk=lease.corrects_id)
    if corrected is not None and hasattr(corrected, "superseded_by"):
        raise NotOpen(f"{corrected} was corrected since")
    is_surplus = corrected.is_surplus if corrected else not lease.is_open
    # The clocks of two machines differ: what is done at once must not take less than no time.
    elapsed_ms = max(0, (timezone.now() - held.began_at) // timedelta(milliseconds=1))
    elapsed_ms += corrected.elapsed_ms or 0 if corrected else 0
    return Annotation(
        project_id=lease.project_id,
        labeler_id=lease.labeler_id,
        solution_id=lease.solution_id,
        assignment_id=None if is_surplus else lease.assignment_id,
        lease=lease,
        is_surplus=is_surplus,
        supersedes=corrected,
        finish_reason=finished.finish_reason,
        comment=draft.reason.strip(),
        total_time_ms=min(draft.active_ms, elapsed_ms),
        elapsed_ms=elapsed_ms,
        progress=draft.progress,
        bad_splits=sorted(set(draft.bad_splits)),
        score=draft.score,
    )


def _keep_human_steps(
    finished: Finished, steps: Sequence[Step], solution_id: int
) -> dict[int, Step]:
    """Make the steps that the labeler wrote, after the candidates; return them by position."""
    written = {}
    for position in finished.positions:
        if position.human is None:
            continue
        at = [step.alternative for step in steps if step.position == position.position]
        written[position.position] = Step.objects.create(
            solution_id=solution_id,
            position=position.position,
            alternative=max(at, default=-1) + 1,
            text=position.human,
            writer=Step.Writer.HUMAN,
        )
    return written


def _keep_critiques(annotation: Annotation, finished: Finished, draft: Draft) -> None:
    """Keep the ratings of what model labelers wrote of the steps found wrong."""
    if not draft.critiques:
        return
    wrong = [label.step for label in finished.labels if label.rating == -1]
    known = StepLabel.objects.explaining().filter(pk__in=draft.critiques, step__in=wrong)
    if known.count() < len(draft.critiques):
        raise Unfinished("critiques", _("This explanation belongs to another step."))
    CritiqueRating.objects.bulk_create(
        CritiqueRating(annotation=annotation, label_id=label, rating=rating)
        for label, rating in draft.critiques.items()
    )


def _grade(annotation: Annotation) -> None:
    """Note whether the answer of a solution that was built step by step is right.

    For work that comes again, too: whoever took it first may have died before this.
    """
    solution = annotation.solution
    if annotation.is_surplus or solution.grader:
        return
    grade([solution])
    # A correction may have changed the answer meanwhile.
    graded = Solution.objects.filter(pk=solution.pk, final_answer=solution.final_answer)
    graded.update(is_correct=solution.is_correct, grader=solution.grader)
