"""The queue of labelling work."""

from collections.abc import Iterable
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from annotation.models.content import Solution
from annotation.models.projects import Project
from labelers.models import Labeler


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def open(self) -> "AssignmentQuerySet":
        return self.filter(state=Assignment.State.OPEN)


class Assignment(models.Model):
    """One slot of work: this solution, for a person or for a named model."""

    class State(models.TextChoices):
        OPEN = "open"
        SUBMITTED = "submitted"
        FAILED = "failed", "Failed: the judge could not mark this solution"

    project = models.ForeignKey(Project, models.CASCADE, related_name="assignments")
    solution = models.ForeignKey(Solution, models.CASCADE, related_name="assignments")
    labeler = models.ForeignKey(
        Labeler, models.PROTECT, null=True, blank=True, related_name="assignments", db_index=False
    )
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    priority = models.FloatField(default=0)
    reason = models.CharField(max_length=200, blank=True, help_text="The rule that made it.")
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["labeler", "solution"],
                condition=~Q(labeler=None),
                name="assignment_once_a_named_labeler",
            )
        ]

    def __str__(self) -> str:
        return f"assignment {self.pk}"

    @classmethod
    def close(
        cls, assignments: Iterable["Assignment"], state: "Assignment.State", error: str = ""
    ) -> None:
        """Bring open slots, locked by the caller, to their end; `error` says why one failed."""
        closed = list(assignments)
        for assignment in closed:
            if assignment.state != cls.State.OPEN:
                raise NotOpen(f"{assignment} is {assignment.state}, not open")
            assignment.state, assignment.error = state, error
        cls.objects.bulk_update(closed, ["state", "error"])


class NotOpen(ValueError):
    """The slot is not in the state that the change starts from."""
