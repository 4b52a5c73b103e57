"""The slices of a Run, each of which a worker can take, lose and take again."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Func, IntegerField, Q, Sum
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone

from annotation.models.runs import Run


class RunSliceQuerySet(models.QuerySet["RunSlice"]):
    def waiting(self) -> "RunSliceQuerySet":
        """Those that a worker can take: open, or held by one that stopped saying so.

        Not those that their Run leaves alone for now (`Run.tries_from`).
        """
        now = timezone.now()
        overdue = Q(state=RunSlice.State.WORKING, lease_until__lt=now)
        is_due = Q(not_before=None) | Q(not_before__lte=now)
        again = KeyTextTransform("from", KeyTransform("again", "run__request"))
        first = Coalesce(Cast(again, IntegerField()), 0)
        return self.filter(Q(state=RunSlice.State.OPEN) & is_due | overdue, number__gte=first)

    def working(self) -> "RunSliceQuerySet":
        """Those that a worker holds, and says so."""
        return self.filter(state=RunSlice.State.WORKING, lease_until__gte=timezone.now())

    def finished(self) -> "RunSliceQuerySet":
        return self.filter(state=RunSlice.State.FINISHED)

    def unfinished(self) -> "RunSliceQuerySet":
        return self.filter(state__in=[RunSlice.State.OPEN, RunSlice.State.WORKING])

    def plans(self) -> "RunSliceQuerySet":
        """Those that plan what a labelling Run is to do (`labelling_plans`)."""
        return self.filter(payload__0__has_key="problem")

    def n_entries(self) -> int:
        """Return how many entries these are for; of one that plans, as many as it has left."""
        planned = Cast(KeyTextTransform("left", KeyTransform("0", "payload")), IntegerField())
        length = Func(F("payload"), function="jsonb_array_length", output_field=IntegerField())
        in_all: int | None = self.aggregate(n=Sum(Coalesce(planned, length)))["n"]
        return in_all or 0


class RunSlice(models.Model):
    """A planned batch of a Run, done whole or not at all.

    Batches are planned beforehand and kept, so that a resumed run draws the same batches as
    a whole one. What it makes and its own end are written in one transaction.
    """

    LEASE = timedelta(seconds=15)

    class State(models.TextChoices):
        OPEN = "open"
        WORKING = "working"
        FINISHED = "finished"

    run = models.ForeignKey(Run, models.CASCADE, related_name="slices", db_index=False)
    number = models.PositiveIntegerField()
    payload = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    attempt = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    rung_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(
        default=0, help_text="How often its entries failed before, for passing reasons."
    )
    not_before = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    settled = models.PositiveIntegerField(
        default=0, help_text="Entries that it brought to an end, done or failed."
    )
    failures = models.JSONField(
        default=list,
        blank=True,
        help_text="Entries that failed: entry, reason, transient. While the slice waits to try "
        "them again, those of the last time.",
    )

    objects = RunSliceQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "number"], name="run_slice_once_a_number")
        ]
        indexes: ClassVar = [
            # Workers and the sweeper look for unfinished slices only.
            models.Index(
                fields=["run", "number"],
                condition=~Q(state="finished"),
                name="run_slice_unfinished",
            )
        ]

    def __str__(self) -> str:
        return f"slice {self.number} of run {self.run_id}"

    def take(self) -> None:
        """Begin to work on a slice that was selected for update while waiting."""
        self.state = RunSlice.State.WORKING
        self.attempt += 1
        self.lease_until = timezone.now() + RunSlice.LEASE
        self.save(update_fields=["state", "attempt", "lease_until"])

    def extend(self) -> None:
        self._mine().update(lease_until=timezone.now() + RunSlice.LEASE)

    def still_held(self) -> bool:
        """Lock the row; False when the lease ran out and another took the slice."""
        return self._mine().select_for_update().exists()

    def finish(self, failures: list[dict[str, Any]], *, settled: int) -> None:
        self.state, self.finished_at = RunSlice.State.FINISHED, timezone.now()
        self.failures, self.settled = failures, settled
        self.save(update_fields=["state", "finished_at", "failures", "settled"])

    def give_back(self) -> None:
        """Let the slice be taken again, as if this attempt had not been."""
        self.state = RunSlice.State.OPEN
        self.attempt -= 1
        self.rung_at = None
        self.save(update_fields=["state", "attempt", "rung_at"])

    def bell_is_due(self, now: datetime) -> bool:
        return self.rung_at is None or self.rung_at < now - RunSlice.LEASE

    def _mine(self) -> "models.QuerySet[RunSlice]":
        return RunSlice.objects.filter(
            pk=self.pk, attempt=self.attempt, state=RunSlice.State.WORKING
        )
