"""Handing in what a labeler holds: the draft of a lease becomes an Annotation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Min
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import explore, leases, review
from annotation.building import keep_path
from annotation.claiming import lock
from annotation.drafts import Draft, Stale
from annotation.finished import Finished, Unfinished
from annotation.grading import grade
from annotation.models import (
    Annotation,
    Assignment,
    CritiqueRating,
    Lease,
    Position,
    Project,
    Step,
    StepLabel,
)
from annotation.models.work import NotOpen


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """What became of the work."""

    annotation: Annotation
    is_new: bool
    """False when this lease's work had been handed in before: nothing was done again."""


def hand_in(lease: Lease, draft: Draft, *, based_on: int | None = None) -> HandedIn:
    """Keep `draft` as its labeler's finished work on the solution of `lease`, once.

    `based_on` is the version of the saved draft that the labeler saw, where that is known.

    Work on a lease that has ended takes its slot again if that is still open. Otherwise it is
    surplus: kept without a slot, so that it counts toward no overlap. Raises Unfinished when
    something is missing from the draft, NotOpen for a correction of what was corrected since, and
    Stale when a version was saved that the labeler has not seen.
    """
    handed_in = _once(lease, draft, based_on)
    if handed_in.is_new and lease.project.mode == Project.Mode.EXPLORE:
        _grade(handed_in.annotation)
    return handed_in


def _once(lease: Lease, draft: Draft, based_on: int | None) -> HandedIn:
    with transaction.atomic():
        held = Lease.objects.select_for_update().get(pk=lease.pk)
        if held.is_open:
            return _new(held, draft, based_on)
    return _once_late(held, draft, based_on)


@transaction.atomic
def _once_late(lease: Lease, draft: Draft, based_on: int | None) -> HandedIn:
    """Hand in work on a lease that has ended: done before, on its slot again, or surplus."""
    # One at a time, and none while they claim: else two of them would both be surplus.
    lock(lease.labeler, lease.project)
    before = _before(lease)
    if before is not None:
        return HandedIn(annotation=before, is_new=False)
    again = leases.regain(lease)
    held = Lease.objects.select_for_update().get(pk=(again or lease).pk)
    if again is not None and not held.is_open:
        return _once_late(held, draft, based_on)
    return _new(held, draft, based_on)


def _before(lease: Lease) -> Annotation | None:
    """Return what was handed in before: of a correction, or of the solution on any lease."""
    if lease.corrects_id is not None:
        return Annotation.objects.filter(lease=lease).first()
    submitted = Annotation.objects.filter(labeler=lease.labeler_id, solution=lease.solution_id)
    return submitted.filter(supersedes=None).first()


def _new(held: Lease, draft: Draft, based_on: int | None) -> HandedIn:
    if based_on not in (None, held.draft_version):
        raise Stale(held)
    return HandedIn(annotation=_keep(held, draft), is_new=True)


def _keep(held: Lease, draft: Draft) -> Annotation:
    """Write the annotation and everything that ends with it. Needs a transaction."""
    project, solution = held.project, held.solution
    steps = list(Step.objects.filter(solution=solution).order_by("position", "alternative"))
    rules = explore if project.mode == Project.Mode.EXPLORE else review
    finished = rules.finish(project, solution, steps, draft)
    annotation = _annotation(held, draft, finished)
    annotation.save(force_insert=True)
    _keep_marks(annotation, finished, steps)
    if project.mode == Project.Mode.EXPLORE:
        annotation.solution = keep_path(annotation)
    _keep_critiques(annotation, finished, draft)
    # Kept for surplus work, too: a correction begins with it.
    held.draft, held.draft_version = draft.as_json(), held.draft_version + 1
    held.save(update_fields=["draft", "draft_version"])
    if held.is_open:
        if held.corrects_id is None:
            Assignment.objects.select_for_update().get(pk=held.assignment_id).submit()
        held.end(Lease.Outcome.SUBMITTED)
    return annotation


def _annotation(held: Lease, draft: Draft, finished: Finished) -> Annotation:
    corrected = None
    if held.corrects_id is not None:
        corrected = Annotation.objects.select_for_update(no_key=True).get(pk=held.corrects_id)
    if corrected is not None and hasattr(corrected, "superseded_by"):
        raise NotOpen(f"{corrected} was corrected since")
    is_surplus = corrected.is_surplus if corrected else not held.is_open
    elapsed_ms = _elapsed_ms(held) + (corrected.elapsed_ms or 0 if corrected else 0)
    return Annotation(
        project_id=held.project_id,
        labeler_id=held.labeler_id,
        solution_id=held.solution_id,
        assignment_id=None if is_surplus else held.assignment_id,
        lease=held,
        is_surplus=is_surplus,
        supersedes=corrected,
        finish_reason=finished.finish_reason,
        comment=draft.reason.strip(),
        total_time_ms=min(draft.active_ms, elapsed_ms),
        elapsed_ms=elapsed_ms,
        progress=draft.progress,
        bad_splits=sorted(draft.bad_splits),
        generation=held.solution.generation,
    )


def _elapsed_ms(held: Lease) -> int:
    """Return the time since the labeler first held this, over all leases that led here."""
    holds = Lease.objects.filter(
        solution=held.solution_id, labeler=held.labeler_id, corrects=held.corrects_id
    )
    began = holds.aggregate(at=Min("began_at"))["at"] or held.claimed_at
    return (timezone.now() - began) // timedelta(milliseconds=1)


def _keep_marks(annotation: Annotation, finished: Finished, steps: Sequence[Step]) -> None:
    written = _keep_human_steps(finished, steps, annotation.solution_id)
    Position.objects.bulk_create(
        Position(
            annotation=annotation,
            position=position.position,
            chosen_id=position.chosen,
            human_step=written.get(position.position),
            listed=position.listed,
        )
        for position in finished.positions
    )
    labels = [
        StepLabel(
            annotation=annotation,
            step_id=label.step,
            rating=label.rating,
            flagged=label.flagged,
            comment=label.comment,
            shown_order=label.shown_order,
        )
        for label in finished.labels
    ]
    labels += (
        StepLabel(annotation=annotation, step=step, flagged=False) for step in written.values()
    )
    StepLabel.objects.bulk_create(labels)


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
    """Note whether the answer of a solution that was built step by step is right."""
    if annotation.is_surplus:
        return
    solution = annotation.solution
    grade([solution])
    solution.save(update_fields=["is_correct", "grader"])
