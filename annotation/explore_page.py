"""What the labelling page shows in explore mode: the path so far, and what may come next."""

import json
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from annotation.candidates import Candidates, candidates_at
from annotation.drafts import Draft
from annotation.explore import LONGEST_STEP, path
from annotation.finished import Unfinished
from annotation.models import Lease, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A finished position."""

    text: str
    is_human: bool
    """The labeler wrote it; otherwise it is a candidate, marked Great."""


def building_context(lease: Lease) -> dict[str, Any]:
    """Return what is shown of the solution that is built on `lease`, as its saved draft stands.

    A path that cannot be followed is shown without its steps, with the reason: going back mends
    it.
    """
    draft = Draft.from_json(lease.draft)
    taken: list[Taken] = []
    try:
        found = candidates_at(lease, draft)
        steps = list(Step.objects.filter(solution=lease.solution_id))
        texts = path(lease.solution, steps, draft)
        taken = [
            Taken(text=text, is_human=choice.human is not None)
            for text, choice in zip(texts, draft.choices, strict=True)
        ]
    except Unfinished as error:
        found = Candidates(position=len(draft.choices), error=str(error))
    return {
        "taken": taken,
        "found": found,
        "number": found.position + 1,
        "wanted": lease.project.candidates,
        "choices": json.dumps(draft.as_json()["choices"]),
        "longest_step": LONGEST_STEP,
    }


def texts() -> dict[str, str]:
    """Return what the page says in explore mode, beside or instead of what it says in review."""
    return {
        "next": _("Submitted. Next problem, {count} candidates for its first step."),
        "next_one": _("Submitted. Next problem, 1 candidate for its first step."),
        "skipped": _("Skipped. Next problem, {count} candidates for its first step."),
        "skipped_one": _("Skipped. Next problem, 1 candidate for its first step."),
        "shown": _("Problem, {count} candidates for the next step."),
        "shown_one": _("Problem, 1 candidate for the next step."),
        "queued_choice": _("Offline: will go on when you are back"),
        "candidate_marked": _("Candidate {number}: {mark}."),
        "candidate_unmarked": _("Candidate {number} is not marked yet."),
        "by_lot": _(
            "All marked. Go on takes one of the {count} Great ones by lot. "
            "To choose one yourself, move to it first."
        ),
        "one_great": _("All marked. Go on takes candidate {number}, the only Great one."),
        "takes": _("Go on takes candidate {number}."),
        "only_great": _("The solution can only go on with a step marked Great: move to one."),
        "none_great": _("None is Great: write the next step yourself, or give up."),
        "none_there": _("There are no candidates: write the next step yourself, or give up."),
        "none_yet": _("No candidate is there yet. You can write the step yourself meanwhile."),
        "write": _("Write the next step."),
        "write_only": _("You can write a step only where none is Great."),
        "taken": _("Candidate {number} was taken."),
        "taken_by_lot": _("Candidate {number} was taken, by lot."),
        "written": _("Your step was taken."),
        "position": _("Step {number}: {count} candidates."),
        "position_one": _("Step {number}: 1 candidate."),
        "ends": _("The solution states its final answer. Submit when you are ready."),
        "back_at": _("Back at step {number}."),
        "turning": _("Going back…"),
        "looking": _("More candidates are being drawn."),
        "came": _("New candidates: {count}."),
        "nothing_more": _("Nothing more was found."),
        "not_shown": _("The next candidates could not be loaded. Trying again…"),
        "word_go_on": _("Go on"),
        "word_submit": _("Submit"),
    }
