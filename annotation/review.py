"""Review mode (PRM800K phase 2): the rules from marks on a finished solution to its annotation."""

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from annotation.drafts import BAD_PROBLEM, Draft, Mark
from annotation.finished import Finished, FinishedLabel, FinishedPosition, Unfinished
from annotation.models import Annotation, Project, Solution, Step


def finish(project: Project, solution: Solution, steps: Sequence[Step], draft: Draft) -> Finished:
    """Return what `draft` comes to on `solution`, whose `steps` are all its candidates.

    Where the project stops at the first error nothing after it is labelled. Work that was broken
    off keeps the marks up to the first step without one. Raises Unfinished for a step that must
    still be marked, a mark on a step of another solution, and a bad problem without a reason.
    """
    _check(steps, draft)
    own = sorted((s for s in steps if s.alternative == 0), key=lambda step: step.position)
    stops = project.stop_at_first_error
    marked = _marked(own, draft.marks, broken_off=bool(draft.end), stops=stops)
    error = next((n for n, step in enumerate(marked) if draft.marks[step.pk].rating == -1), None)
    if error is not None and stops:
        marked = marked[: error + 1]
    ends_bad = bool(marked) and draft.marks[marked[-1].pk].rating == -1
    return Finished(
        finish_reason=draft.end or _finish_reason(solution, found_error=error is not None),
        positions=[
            FinishedPosition(
                position=step.position,
                chosen=None if ends_bad and step is marked[-1] else step.pk,
            )
            for step in marked
        ],
        labels=[
            *(_label(step, draft.marks[step.pk], shown_order=0) for step in marked),
            *(_alternatives(project, steps, marked[-1], draft.marks) if ends_bad else ()),
        ],
    )


def _check(steps: Sequence[Step], draft: Draft) -> None:
    known = {step.pk for step in steps}
    for step_id in draft.marks:
        if step_id not in known:
            raise Unfinished(f"marks.{step_id}", _("This step belongs to another solution."))
    if draft.end == BAD_PROBLEM and not draft.reason.strip():
        raise Unfinished("reason", _("Say what is wrong with the problem."))


def _marked(
    own: Sequence[Step], marks: Mapping[int, Mark], *, broken_off: bool, stops: bool
) -> Sequence[Step]:
    """Return the leading steps that have a mark; none that must have one may be missing."""
    for place, step in enumerate(own):
        mark = marks.get(step.pk)
        if mark is None or not mark.is_made:
            if broken_off or (stops and _has_bad(own[:place], marks)):
                return own[:place]
            number = step.position + 1
            raise Unfinished(
                f"marks.{step.pk}", _("Step %(number)d is not marked yet.") % {"number": number}
            )
    return own


def _has_bad(steps: Sequence[Step], marks: Mapping[int, Mark]) -> bool:
    return any(marks[step.pk].rating == -1 for step in steps)


def _finish_reason(solution: Solution, *, found_error: bool) -> str:
    if found_error:
        return Annotation.FinishReason.FOUND_ERROR
    # Without an answer nothing was solved, however good its steps are.
    return "" if solution.final_answer is None else Annotation.FinishReason.SOLUTION


def _label(step: Step, mark: Mark, *, shown_order: int) -> FinishedLabel:
    return FinishedLabel(
        step=step.pk,
        rating=mark.rating,
        flagged=mark.flagged,
        comment=mark.comment,
        shown_order=shown_order,
    )


def _alternatives(
    project: Project, steps: Sequence[Step], error: Step, marks: Mapping[int, Mark]
) -> list[FinishedLabel]:
    """Return the labels of the other candidates at the error, where the project shows them."""
    if not project.ask_alternatives:
        return []
    others = [s for s in steps if s.position == error.position and s.alternative > 0]
    others.sort(key=lambda step: step.alternative)
    return [
        _label(step, marks.get(step.pk, Mark()), shown_order=place)
        for place, step in enumerate(others, 1)
    ]
