"""Explore mode (PRM800K phase 1): the rules by which a solution is built, position by position."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from annotation.candidate_lists import list_after
from annotation.digests import digest
from annotation.drafts import BAD_PROBLEM, Choice, Draft, Mark
from annotation.finished import Finished, FinishedLabel, FinishedPosition, Unfinished
from annotation.models import Annotation, Project, Solution, Step
from labelers.answers import extract

LONGEST_STEP = 4_000
"""Of the steps that labelers write, in characters."""


def check_choice(
    solution: Solution,
    position: int,
    candidates: Sequence[Step],
    marks: Mapping[int, Mark],
    choice: Choice,
) -> Choice:
    """Return how the solution goes on after `position`, whose candidates are all shown.

    Every candidate must have a mark. The solution goes on with one marked Great: the one that
    was chosen or, where none was, one of them drawn by lot, the same each time this is asked.
    Where none is Great it goes on with a step that the labeler wrote. Raises Unfinished.
    """
    field = f"choices.{position}"
    for step in candidates:
        if not marks.get(step.pk, Mark()).is_made:
            raise Unfinished(f"marks.{step.pk}", _("Mark every step first."))
    great = _great(candidates, marks)
    if choice.chosen is not None and choice.human is not None:
        raise Unfinished(field, _("Choose a step or write one, not both."))
    if choice.human is not None:
        if great:
            raise Unfinished(field, _("You can write a step only where none is Great."))
        return Choice(human=_written(field, choice.human))
    if choice.chosen is None and not great:
        raise Unfinished(field, _("No step is Great: write the next step yourself, or give up."))
    if choice.chosen is None:
        return Choice(chosen=_by_lot(solution, position, great).pk)
    if choice.chosen not in {step.pk for step in great}:
        raise Unfinished(field, _("The solution can only go on with a step marked Great."))
    return choice


def _great(candidates: Sequence[Step], marks: Mapping[int, Mark]) -> list[Step]:
    return [step for step in candidates if marks.get(step.pk, Mark()).rating == 1]


def _by_lot(solution: Solution, position: int, great: Sequence[Step]) -> Step:
    def lot(step: Step) -> bytes:
        return digest(str(solution.pk), str(position), str(step.pk)).bytes

    return min(great, key=lot)


def _written(field: str, text: str) -> str:
    text = text.strip()
    if not text:
        raise Unfinished(field, _("Write the step, or give up."))
    if len(text) > LONGEST_STEP:
        message = _("A step has at most %(most)d characters; this one has %(number)d.")
        raise Unfinished(field, message % {"most": LONGEST_STEP, "number": len(text)})
    return text


def path(solution: Solution, steps: Sequence[Step], draft: Draft) -> list[str]:
    """Return the texts of the steps that the draft went on with so far.

    `steps` are all that the solution has. Raises Unfinished where one was chosen that is not
    among them.
    """
    known = {step.pk: step for step in steps}
    texts: list[str] = []
    for position, choice in enumerate(draft.choices):
        if choice.human is not None:
            texts.append(choice.human.strip())
            continue
        chosen = known.get(choice.chosen) if choice.chosen is not None else None
        if choice.chosen is None:
            great = _great(_listed(solution, known, texts), draft.marks)
            chosen = _by_lot(solution, position, great) if great else None
        if chosen is None or chosen.position != position:
            raise Unfinished(f"choices.{position}", _("This step is not among the candidates."))
        texts.append(chosen.text)
    return texts


def final_answer(texts: Sequence[str]) -> str | None:
    """Return the final answer that the last step of a path states: there the solution ends."""
    return extract(texts[-1]) if texts else None


def finish(project: Project, solution: Solution, steps: Sequence[Step], draft: Draft) -> Finished:
    """Return what `draft` comes to; `steps` are all that `solution` has.

    A solution ends with a step that states a final answer. One that was broken off keeps the
    marks of the position that was not finished. Raises Unfinished, naming the part of the draft,
    for what breaks a rule of `check_choice`, a solution that has not ended, a mark on a step of
    another solution, and a bad problem without a reason.
    """
    known = {step.pk: step for step in steps}
    _check(known, draft)
    built = _Built([], [], [])
    for position, choice in enumerate(draft.choices):
        candidates = _listed(solution, known, built.texts)
        built.go_on(
            candidates,
            draft.marks,
            check_choice(solution, position, candidates, draft.marks, choice),
        )
    if draft.end:
        candidates = _listed(solution, known, built.texts)
        # Where the problem is bad nobody need have looked at the steps.
        if draft.end != BAD_PROBLEM or any(step.pk in draft.marks for step in candidates):
            built.stop(candidates, draft.marks)
    elif final_answer(built.texts) is None:
        raise Unfinished("choices", _("The solution does not state its final answer yet."))
    return Finished(
        finish_reason=draft.end or Annotation.FinishReason.SOLUTION,
        positions=built.positions,
        labels=built.labels,
    )


@dataclass(frozen=True, slots=True)
class _Built:
    """A solution as far as it is followed."""

    texts: list[str]
    positions: list[FinishedPosition]
    labels: list[FinishedLabel]

    def go_on(self, candidates: Sequence[Step], marks: Mapping[int, Mark], choice: Choice) -> None:
        self._add(candidates, marks, choice)
        chosen = (step.text for step in candidates if step.pk == choice.chosen)
        self.texts.append(choice.human or next(chosen))

    def stop(self, candidates: Sequence[Step], marks: Mapping[int, Mark]) -> None:
        """Add PRM800K's unfinished stub: nothing was chosen here."""
        self._add(candidates, marks, Choice())

    def _add(self, candidates: Sequence[Step], marks: Mapping[int, Mark], choice: Choice) -> None:
        self.positions.append(
            FinishedPosition(
                position=len(self.texts),
                chosen=choice.chosen,
                human=choice.human,
                listed=bool(candidates),
            )
        )
        for place, step in enumerate(candidates):
            mark = marks.get(step.pk, Mark())
            self.labels.append(
                FinishedLabel(
                    step=step.pk,
                    rating=mark.rating,
                    flagged=mark.flagged,
                    comment=mark.comment,
                    shown_order=place,
                )
            )


def _listed(solution: Solution, known: Mapping[int, Step], texts: Sequence[str]) -> list[Step]:
    """Return the candidates that stand after steps of these texts, in the order shown."""
    candidates = list_after(solution, texts)
    return [known[step] for step in candidates.steps if step in known] if candidates else []


def _check(known: Mapping[int, Step], draft: Draft) -> None:
    for step_id in draft.marks:
        if step_id not in known:
            raise Unfinished(f"marks.{step_id}", _("This step belongs to another solution."))
    if draft.end == BAD_PROBLEM and not draft.reason.strip():
        raise Unfinished("reason", _("Say what is wrong with the problem."))
