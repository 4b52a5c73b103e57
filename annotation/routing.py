"""Which solutions go to which labelers: assignments are made here."""

from collections.abc import Iterator
from itertools import islice

from django.db.models import Exists, OuterRef

from annotation.models import Assignment, Project
from labelers.models import Labeler


def route_to(
    *, project: Project, labeler: Labeler, reason: str, batch_size: int
) -> Iterator[list[int]]:
    """Make an assignment for `labeler` on every written solution that has none of theirs.

    Yields the ids of the new assignments in the order of their solutions, a batch at a time,
    as they are made. Needs a transaction.
    """
    theirs = Assignment.objects.filter(labeler=labeler, solution=OuterRef("pk"))
    missing = project.solutions.written().exclude(Exists(theirs)).order_by("id")
    solution_ids = missing.values_list("id", flat=True).iterator()
    while batch := list(islice(solution_ids, batch_size)):
        made = Assignment.objects.bulk_create(
            Assignment(
                project=project,
                solution_id=solution_id,
                labeler=labeler,
                is_named=True,
                reason=reason,
            )
            for solution_id in batch
        )
        yield [assignment.pk for assignment in made]
