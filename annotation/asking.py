"""Which solutions a model labeler is to mark: each written one of a project, once."""

from django.db.models import Exists, OuterRef, QuerySet

from annotation.models import Annotation, Assignment, Project, Solution
from labelers.models import Labeler


def lacking(project: Project, labeler: Labeler) -> QuerySet[Solution]:
    """Return the written solutions that `labeler` neither was asked for nor has marked."""
    theirs = Assignment.objects.filter(labeler=labeler, solution=OuterRef("pk"))
    # Marks may have been imported.
    marked = Annotation.objects.counted().filter(labeler=labeler, solution=OuterRef("pk"))
    return project.solutions.written().exclude(Exists(theirs)).exclude(Exists(marked))
