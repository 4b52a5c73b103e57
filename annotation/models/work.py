"""The queue of labelling work."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from annotation.models.content import Solution
from annotation.models.projects import Project
from labelers.models import Labeler
from web.models import User


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def visible_to(self, user: User) -> "AssignmentQuerySet":
        return self.filter(project__in=Project.objects.visible_to(user))

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

    def submitted(self) -> None:
        """Close the slot: its annotation exists."""
        self._leave_open(Assignment.State.SUBMITTED)

    def failed(self, error: str) -> None:
        """Close the slot without an annotation, keeping the reason."""
        self.error = error
        self._leave_open(Assignment.State.FAILED)

    def _leave_open(self, state: "Assignment.State") -> None:
        if self.state != Assignment.State.OPEN:
            raise NotOpen(f"assignment {self.pk} is {self.state}, not open")
        self.state = state
        self.save(update_fields=["state", "error"])


class NotOpen(ValueError):
    """The slot is not in the state that the change starts from."""
