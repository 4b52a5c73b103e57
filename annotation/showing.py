"""What a labeler sees of the slot that they hold, as JSON: never another person's marks.

The reference solution is not shown to anybody who marks, and the reference answer only where the
project shows it.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from annotation.anchoring import hides_marks, suggestions
from annotation.candidates import candidates_at
from annotation.drafts import Draft
from annotation.models import Lease, Project, Solution, Step, StepLabel
from annotation.waiting import Waiting, waiting_for
from labelers import answers
from labelers.models import Labeler

# As text: what every claim asks must not be put together anew each time.
_PROBLEM = """
SELECT text, reference_answer FROM annotation_problem
WHERE id = (SELECT problem_id FROM annotation_solution WHERE id = %s)
"""
_STEPS = """
SELECT id, position, text FROM annotation_step
WHERE solution_id = %s AND alternative = 0 ORDER BY position
"""


def assignment_json(lease: Lease) -> dict[str, Any]:
    """Return the slot of `lease` with its draft; docs/labelling.md lists the fields."""
    project = lease.project
    with connection.cursor() as cursor:
        cursor.execute(_PROBLEM, [lease.solution_id])
        text, reference_answer = cursor.fetchone()
        cursor.execute(_STEPS, [lease.solution_id])
        steps = [
            dict(zip(("id", "position", "text"), step, strict=True)) for step in cursor.fetchall()
        ]
    problem = {"text": text}
    if project.show_reference_answer:
        problem["reference_answer"] = reference_answer
    is_review = project.mode == Project.Mode.REVIEW
    return {
        "id": lease.assignment_id,
        "project": project.slug,
        "mode": project.mode,
        "until": lease.until,
        "is_ahead": lease.is_ahead,
        "corrects": lease.corrects_id,
        "problem": problem,
        "steps": steps if is_review else [],
        "alternatives": alternatives(lease) if is_review and project.ask_alternatives else [],
        "explanations": explanations(lease),
        "suggestions": suggestions(lease),
        "draft": Draft.from_json(lease.draft).as_json(),
        "version": lease.draft_version,
    }


def own_steps(lease: Lease) -> list[Step]:
    """Return the solution's own steps in order."""
    return list(Step.objects.filter(solution=lease.solution_id, alternative=0).order_by("position"))


def stated_answer(solution: Solution, steps: Sequence[Step]) -> str | None:
    """Return the final answer that the solution states outside its `steps`, if any.

    It is part of the solution, on a line that the splitter took off (`A: 26`); whether it is right
    is not said.
    """
    answer = solution.final_answer
    if answer is None or (steps and answers.extract(steps[-1].text) == answer):
        return None
    return answer


def alternatives(lease: Lease) -> list[dict[str, Any]]:
    """Return the other candidates of each position."""
    others = Step.objects.filter(solution=lease.solution_id, alternative__gt=0)
    fields = ("id", "position", "alternative", "text")
    return list(others.order_by("position", "alternative").values(*fields))


def explanations(lease: Lease) -> list[dict[str, Any]]:
    """Return what model labelers wrote about steps found wrong, where the project asks for it.

    Only of steps that the saved draft marks Bad: nobody is led to a mark. People's are not shown,
    and none where the models' marks are hidden: it would tell them.
    """
    if not lease.project.ask_critique or hides_marks(lease):
        return []
    marks = Draft.from_json(lease.draft).marks
    bad = [step for step, mark in marks.items() if mark.rating == -1]
    found = (
        StepLabel.objects.explaining()
        .filter(step__solution=lease.solution_id, step__in=bad)
        .order_by("pk")
        .values("id", "step", "annotation__labeler__name", "comment")
    )
    return [
        {
            "id": label["id"],
            "step": label["step"],
            "labeler": label["annotation__labeler__name"],
            "text": label["comment"],
        }
        for label in found
    ]


def candidates_json(lease: Lease) -> dict[str, Any]:
    """Return the candidates of the position where the draft of `lease` stands."""
    found = candidates_at(lease, Draft.from_json(lease.draft))
    return {
        "position": found.position,
        "steps": [{"id": step.pk, "text": step.text} for step in found.steps],
        "final_answer": found.final_answer,
        "is_waiting": found.is_waiting,
        "is_short": found.is_short,
        "error": found.error,
    }


def waiting_json(labeler: Labeler, project: Project, *, for_review: bool = False) -> dict[str, Any]:
    """Say why there is nothing for `labeler` now, in the people's queue or the reviewers'."""
    waiting: Waiting = waiting_for(labeler, project, for_review=for_review)
    if project.archived_at:
        reason = "archived"
    elif project.paused_at:
        reason = "paused"
    else:
        reason = "nothing" if waiting.was_given_out else "not_given_out"
    return {
        "reason": reason,
        "reserved": waiting.reserved,
        "reserved_until": waiting.reserved_until,
        "skipped": waiting.skipped,
        "returns_at": waiting.returns_at,
    }
