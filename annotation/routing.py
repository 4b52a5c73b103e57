"""Which solutions go to which labelers: assignments are made here."""

from annotation.models import Assignment, Project
from labelers.models import Labeler


def route_to(*, project: Project, labeler: Labeler, reason: str) -> list[int]:
    """Make an assignment for `labeler` on every written solution that has none of theirs.

    Returns the ids of the new assignments, in the order of their solutions.
    """
    assigned = Assignment.objects.filter(labeler=labeler).values("solution")
    missing = project.solutions.written().exclude(pk__in=assigned).order_by("id")
    made = Assignment.objects.bulk_create(
        (
            Assignment(project=project, solution_id=solution_id, labeler=labeler, reason=reason)
            for solution_id in missing.values_list("id", flat=True).iterator()
        ),
        batch_size=2000,
    )
    return [assignment.pk for assignment in made]
