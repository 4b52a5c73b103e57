"""The queue of labelling work."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from annotation.models.content import Solution
from annotation.models.projects import Project
from labelers.models import Labeler


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def open(self) -> "AssignmentQuerySet":
        return self.filter(state=Assignment.State.OPEN)

    def for_people(self) -> "AssignmentQuerySet":
        """Slots that any person of the project may take."""
        return self.filter(is_named=False)

    def for_review(self) -> "AssignmentQuerySet":
        """Slots that any reviewer of the project may take."""
        return self.filter(for_reviewers=True)

    def of_another_mode(self) -> "AssignmentQuerySet":
        """Slots for people of the way of marking that their project had before.

        What a labeler builds is work of explore mode, what came whole from a writer of review mode.
        """
        explores = Q(project__mode=Project.Mode.EXPLORE)
        built = Q(solution__built=True)
        return self.for_people().filter((explores & ~built) | (~explores & built))

    def counted(self) -> "AssignmentQuerySet":
        """Slots that count toward the overlap."""
        return self.exclude(state=Assignment.State.WITHDRAWN)


class Assignment(models.Model):
    """One slot of work: this solution, for any person, for any reviewer or for a named model.

    A slot for people or reviewers has a `labeler` only while it is leased and once it is submitted.
    """

    class State(models.TextChoices):
        OPEN = "open"
        LEASED = "leased"
        SUBMITTED = "submitted"
        FAILED = "failed", "Failed: the judge could not mark this solution"
        WITHDRAWN = "withdrawn", "Withdrawn: fewer people are to mark this solution"

    project = models.ForeignKey(Project, models.CASCADE, related_name="assignments", db_index=False)
    solution = models.ForeignKey(Solution, models.CASCADE, related_name="assignments")
    labeler = models.ForeignKey(
        Labeler, models.PROTECT, null=True, blank=True, related_name="assignments", db_index=False
    )
    is_named = models.BooleanField(
        default=False,
        help_text="Made for one labeler, or for reviewers: not in the people's queue.",
    )
    for_reviewers = models.BooleanField(
        default=False,
        db_default=False,
        help_text="In the queue of reviewers, whose marks decide.",
    )
    shows_marks = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Its page shows the models' marks: drawn when the slot is made.",
    )
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    priority = models.FloatField(default=0, help_text="Higher is given out first.")
    reopened = models.BigIntegerField(
        null=True, editable=False, help_text="Place among the slots that opened again."
    )
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
            ),
            models.CheckConstraint(
                condition=Q(for_reviewers=False) | Q(is_named=True),
                name="assignment_for_reviewers_is_not_for_people",
            ),
        ]
        indexes: ClassVar = [
            # The two lanes of the queue, in the order in which `leases.claim_next` reads them.
            models.Index(
                "project",
                F("priority") * -1.0,
                "id",
                condition=Q(state="open", is_named=False, reopened=None),
                name="assignment_fresh",
            ),
            models.Index(
                fields=["project", "reopened"],
                condition=Q(state="open", is_named=False) & ~Q(reopened=None),
                name="assignment_reopened",
            ),
            # The queue of reviewers, in the order in which `reviewing.claim_review` reads it.
            models.Index(
                "project",
                F("priority") * -1.0,
                "id",
                condition=Q(state="open", for_reviewers=True),
                name="assignment_for_review",
            ),
            # Pages count a project's slots by state.
            models.Index(fields=["project", "state"], name="assignment_by_state"),
        ]

    def __str__(self) -> str:
        return f"assignment {self.pk}"

    def lease_to(self, labeler: Labeler) -> None:
        """Put an open slot, locked by the caller, into the hands of `labeler`."""
        if self.state != Assignment.State.OPEN:
            raise NotOpen(f"{self} is {self.state}, not open")
        self.state, self.labeler = Assignment.State.LEASED, labeler
        self.save(update_fields=["state", "labeler"])

    def open_again(self, place: int) -> None:
        """Open a leased slot, locked by the caller, at `place` among those that opened again.

        It is withdrawn instead where the project's overlap has no more room for it, or newcomers
        are shown the marks of its solution. How much room a policy gives, `route` knows.
        """
        if self.state != Assignment.State.LEASED:
            raise NotOpen(f"{self} is {self.state}, not leased")
        self.state, self.reopened = Assignment.State.OPEN, place
        if self.for_reviewers:
            self.labeler = None
        elif not self.is_named:
            self.labeler = None
            slots = Assignment.objects.for_people().filter(solution=self.solution_id)
            is_shown = self.solution.annotations.for_practice().exists()
            overlap = None if self.project.is_routed else self.project.overlap
            if is_shown or (overlap is not None and slots.counted().count() > overlap):
                self.state = Assignment.State.WITHDRAWN
        self.save(update_fields=["state", "labeler", "reopened"])

    def move_back(self, place: int) -> None:
        """Give an open slot, locked by the caller, a `place` among those that opened again."""
        if self.state != Assignment.State.OPEN:
            raise NotOpen(f"{self} is {self.state}, not open")
        self.reopened = place
        self.save(update_fields=["reopened"])

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


class LeaseQuerySet(models.QuerySet["Lease"]):
    def open(self) -> "LeaseQuerySet":
        """Those that have not ended, in time or overdue."""
        return self.filter(ended_at=None)

    def overdue(self) -> "LeaseQuerySet":
        return self.open().filter(until__lt=timezone.now())

    def holding(self) -> "LeaseQuerySet":
        """Those whose solution is in somebody's hands, not only claimed ahead."""
        return self.open().exclude(began_at=None)


class Lease(models.Model):
    """One hold of one slot by one labeler: from when to when, the draft, and how it ended.

    The draft lives here and not on the slot, so that no labeler ever meets another's marks. Claims
    of a labeler in a project go forward through the queue: where the last one had got to is
    written beside it (`lane_*`), and which leases of theirs were open then (`open_before`), so that
    a claim never updates a row that every claim reads.
    """

    class Outcome(models.TextChoices):
        SUBMITTED = "submitted"
        SKIPPED = "skipped"
        RELEASED = "released"
        EXPIRED = "expired"

    # Its slot's project. Under a constraint every claim would lock the project's row, all of them
    # the same one.
    project = models.ForeignKey(
        Project, models.CASCADE, related_name="leases", db_index=False, db_constraint=False
    )
    labeler = models.ForeignKey(Labeler, models.PROTECT, related_name="leases", db_index=False)
    solution = models.ForeignKey(Solution, models.CASCADE, related_name="leases")
    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="leases")
    corrects = models.ForeignKey(
        "annotation.Annotation",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="corrections",
        db_index=False,
        help_text="The annotation that is being corrected; it stays in force until then.",
    )
    claimed_at = models.DateTimeField(default=timezone.now)
    began_at = models.DateTimeField(null=True, blank=True, help_text="Null while claimed ahead.")
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    returns_at = models.DateTimeField(
        null=True, blank=True, help_text="When a skipped solution may come back to this labeler."
    )
    draft = models.JSONField(default=dict, blank=True)
    draft_version = models.PositiveIntegerField(default=0)
    draft_key = models.UUIDField(null=True, editable=False, help_text="Of the last save.")
    open_before = ArrayField(
        models.BigIntegerField(),
        default=list,
        editable=False,
    )
    lane_round = models.PositiveIntegerField(default=0, editable=False)
    lane_priority = models.FloatField(null=True, editable=False)
    lane_id = models.BigIntegerField(null=True, editable=False)
    lane_reopened = models.BigIntegerField(default=0, editable=False)

    objects = LeaseQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["assignment"],
                condition=Q(ended_at=None, corrects=None),
                name="lease_one_hold_a_slot",
            ),
            models.UniqueConstraint(
                fields=["labeler", "solution"],
                condition=Q(ended_at=None),
                name="lease_one_hold_a_solution",
            ),
        ]
        indexes: ClassVar = [
            # The last claim of a labeler in a project, which says where the next begins.
            models.Index(fields=["labeler", "project", "id"], name="lease_by_labeler"),
            models.Index(
                fields=["project", "until"], condition=Q(ended_at=None), name="lease_open"
            ),
            # Few are corrections: the others need no entry.
            models.Index(
                fields=["corrects"], condition=~Q(corrects=None), name="lease_corrections"
            ),
            models.Index(
                fields=["labeler", "solution"],
                condition=~Q(returns_at=None),
                name="lease_skipped",
            ),
        ]

    def __str__(self) -> str:
        return f"lease {self.pk} of {self.assignment_id} by {self.labeler_id}"

    @property
    def is_open(self) -> bool:
        return self.ended_at is None

    @property
    def is_ahead(self) -> bool:
        return self.began_at is None

    @property
    def is_surplus(self) -> bool:
        """Whether work saved on it has no slot: a correction is what it corrects."""
        return not self.is_open if self.corrects is None else self.corrects.is_surplus

    def end(self, outcome: "Lease.Outcome", *, returns_at: datetime | None = None) -> None:
        """Close a lease that the caller has locked; a skipped solution says when it returns."""
        if self.ended_at is not None:
            raise NotOpen(f"{self} ended as {self.outcome}")
        self.ended_at, self.outcome, self.returns_at = timezone.now(), outcome, returns_at
        self.save(update_fields=["ended_at", "outcome", "returns_at"])


class NotOpen(ValueError):
    """The slot is not in the state that the change starts from."""
