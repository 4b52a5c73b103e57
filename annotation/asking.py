"""Which solutions a model labeler is to mark: each written one of a project, once."""

from collections.abc import Iterator
from itertools import islice

from django.db.models import Exists, OuterRef, QuerySet

from annotation.models import Annotation, Assignment, Project, Solution
from labelers.models import Labeler


def lacking(project: Project, labeler: Labeler) -> QuerySet[Solution]:
    """Return the written solutions that `labeler` neither was asked for nor has marked."""
    theirs = Assignment.objects.filter(labeler=labeler, solution=OuterRef("pk"))
    # Marks may have been imported.
    marked = Annotation.objects.counted().filter(labeler=labeler, solution=OuterRef("pk"))
    return project.solutions.written().exclude(Exists(theirs)).exclude(Exists(marked))


def ask(*, project: Project, labeler: Labeler, reason: str, batch_size: int) -> Iterator[list[int]]:
    """Make an assignment for `labeler` on every written solution that has no mark of theirs yet.

    Yields the ids of the new assignments in the order of their solutions, a batch at a time,
    as they are made. Needs a transaction.
    """
    missing = lacking(project, labeler).order_by("id")
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
