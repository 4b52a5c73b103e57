"""Long jobs: what was asked, how far they are, what they cost."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from annotation.models.projects import Project
from web.models import User

if TYPE_CHECKING:
    from annotation.models.run_slices import RunSliceQuerySet


class RunQuerySet(models.QuerySet["Run"]):
    def visible_to(self, user: User) -> "RunQuerySet":
        return self.filter(project__in=Project.objects.visible_to(user))

    def unfinished(self) -> "RunQuerySet":
        return self.filter(state__in=[Run.State.QUEUED, Run.State.RUNNING])

    def due(self) -> "RunQuerySet":
        """Unfinished ones that no rate limit holds back at the moment."""
        return self.unfinished().filter(Q(not_before=None) | Q(not_before__lte=timezone.now()))


class Run(models.Model):
    """One long job: what was asked, how far it is, what it cost.

    A request is declarative: the same request in the same project is the same Run, so that
    asking again resumes it, and asking for more extends it.
    """

    class Kind(models.TextChoices):
        SAMPLING = "sampling", _("Sampling")
        LABELLING = "labelling", _("Labelling")
        CANDIDATES = "candidates", _("Candidates")
        ROUTING = "routing", _("Routing")
        CLONING = "cloning", _("Cloning")
        IMPORT = "import", _("Import")
        FREEZE = "freeze", _("Freezing")
        EXPORT = "export", _("Export")

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        FINISHED = "finished", _("Finished")
        FAILED = "failed", _("Failed: some of it could not be done")
        CANCELLED = "cancelled", _("Cancelled")

    PATIENT = frozenset({Kind.SAMPLING, Kind.LABELLING})
    """Kinds that nobody waits for in front of a page: they pause, and try again by themselves."""
    OF_MANAGERS = frozenset({Kind.ROUTING, Kind.CLONING, Kind.IMPORT, Kind.FREEZE, Kind.EXPORT})
    """Kinds that work on the project's own tables, which costs only the site's time."""

    NOTES = frozenset({"again", "route"})
    """Parts of `request` that are not what was asked, but how it goes on."""

    _STANDING = ("state", "error", "started_at", "finished_at", "failed_in_a_row")

    project = models.ForeignKey(Project, models.CASCADE, related_name="runs", db_index=False)
    kind = models.CharField(max_length=20, choices=Kind)
    state = models.CharField(max_length=20, choices=State, default=State.QUEUED)
    request = models.JSONField()
    queue = models.CharField(
        max_length=50, default="stepmark", help_text="Celery's queue for its slices."
    )
    request_key = models.UUIDField(editable=False)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    prompt_tokens = models.PositiveBigIntegerField(default=0)
    completion_tokens = models.PositiveBigIntegerField(default=0)
    calls = models.PositiveBigIntegerField(default=0, help_text="Texts asked of an engine.")
    estimated_calls = models.PositiveBigIntegerField(
        default=0, help_text="Of the calls, those whose tokens the server did not count."
    )
    money = models.DecimalField(max_digits=16, decimal_places=6, default=Decimal(0))
    budget = models.DecimalField(
        max_digits=16, decimal_places=6, null=True, blank=True, help_text="It pauses when spent."
    )
    work_ms = models.PositiveBigIntegerField(
        default=0, help_text="Time spent in the engine or judge, summed over workers."
    )
    grown = models.IntegerField(default=0, help_text="By how many slots of work the queue grew.")
    not_before = models.DateTimeField(
        null=True, blank=True, help_text="A rate limit lets no slice be taken until then."
    )
    at_once = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Slices in work at most, after a rate limit."
    )
    failed_in_a_row = models.PositiveIntegerField(default=0, editable=False)
    errors = models.JSONField(default=dict, blank=True, help_text="Reasons of failure, counted.")
    error = models.TextField(blank=True, help_text="Why the Run as a whole stopped.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="runs"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    """Since when it goes on: when its first slice was taken, or the first after it had stopped."""
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "kind", "request_key"], name="run_once_a_request"
            )
        ]

    def __str__(self) -> str:
        return f"run {self.pk} ({self.kind})"

    @property
    def is_unfinished(self) -> bool:
        return self.state in {Run.State.QUEUED, Run.State.RUNNING}

    @property
    def is_stopped(self) -> bool:
        """Whether it was ended before its time, and waits for somebody to have it go on."""
        return self.state in {Run.State.PAUSED, Run.State.CANCELLED, Run.State.FAILED}

    @property
    def is_held(self) -> bool:
        """Whether it was stopped: also one that only tries again, before that, what had failed."""
        return self.is_stopped or bool(self.tries_from)

    @property
    def has_ended(self) -> bool:
        return self.state in {Run.State.FINISHED, Run.State.FAILED, Run.State.CANCELLED}

    @property
    def is_whole(self) -> bool:
        """Whether all of it was done."""
        return self.state == Run.State.FINISHED and not self.failed

    @property
    def has_only_failures(self) -> bool:
        """Whether it came to its end, and nothing of it was done."""
        return self.state == Run.State.FINISHED and bool(self.failed) and not self.done

    @property
    def is_beyond_help(self) -> bool:
        """Whether it can never go on: the project that it copies is there no more."""
        return self.kind == Run.Kind.CLONING and self.state == Run.State.FAILED

    @property
    def shrunk(self) -> int:
        return max(0, -self.grown)

    @property
    def is_of_managers(self) -> bool:
        return self.kind in Run.OF_MANAGERS

    @property
    def may_pause(self) -> bool:
        return self.kind in Run.PATIENT

    @property
    def asked(self) -> dict[str, Any]:
        """What was asked for."""
        return {name: part for name, part in self.request.items() if name not in Run.NOTES}

    def ask(self, request: dict[str, Any]) -> None:
        """Put what is asked for now in the place of what was asked before."""
        notes = {name: part for name, part in self.request.items() if name in Run.NOTES}
        self.request = {**request, **notes}
        self.save(update_fields=["request"])

    @property
    def tries_from(self) -> int:
        """Number of the first slice that may be taken: a stopped Run that tries again what failed
        does these alone."""
        return int(self.request.get("again", {}).get("from", 0))

    def try_again(self, first: int) -> None:
        """Queue a Run that is held, locked by the caller, for its slices from number `first` alone.

        One that does so already ends as it was to end, and one that could not go on as cancelled.
        """
        then = Run.State.PAUSED if self.state == Run.State.PAUSED else Run.State.CANCELLED
        if self.is_unfinished:
            then = self.request["again"]["then"]
        self.request = {**self.request, "again": {"from": self.tries_from or first, "then": then}}
        self._queue()
        self.save(update_fields=["request", *Run._STANDING])

    def has_tried(self) -> bool:
        """Stop a Run again, locked by the caller, of which only that was to be tried which has been
        by now; True if it was one."""
        if not (self.is_unfinished and self.tries_from) or self._to_try().exists():
            return False
        self.state = self.request["again"]["then"]
        if self.state == Run.State.CANCELLED:
            self.finished_at = timezone.now()
        self._try_all()
        self.save(update_fields=["request", "state", "finished_at"])
        return True

    def _to_try(self) -> "RunSliceQuerySet":
        return self.slices.unfinished().filter(number__gte=self.tries_from)

    def _try_all(self) -> None:
        self.request = {key: value for key, value in self.request.items() if key != "again"}

    def settle(self) -> None:
        """Queue a Run, locked by the caller, that has slices to do; finish one that has none."""
        self._try_all()
        if self.slices.unfinished().exists():
            if not self.is_unfinished:
                self._queue()
        elif self.state != Run.State.FINISHED:
            self.state, self.error, self.finished_at = Run.State.FINISHED, "", timezone.now()
        self.save(update_fields=["request", *Run._STANDING])

    def hold(self) -> None:
        """Pause a finished Run, locked by the caller, that has slices to do and may not go on."""
        if self.state == Run.State.FINISHED and self.slices.unfinished().exists():
            self.state, self.finished_at = Run.State.PAUSED, None
            self.save(update_fields=["state", "finished_at"])

    def _queue(self) -> None:
        self.state, self.error, self.finished_at = Run.State.QUEUED, "", None
        self.started_at = None  # its pace is that since it goes on
        self.failed_in_a_row = 0

    def begin(self) -> None:
        """Note that a slice was taken."""
        Run.objects.filter(pk=self.pk, state=Run.State.QUEUED).update(state=Run.State.RUNNING)
        Run.objects.filter(pk=self.pk, started_at=None).update(started_at=timezone.now())

    def fail(self, error: str) -> bool:
        """Stop an unfinished Run that cannot go on; True if it was one."""
        return self._stop(Run.State.FAILED, error)

    def pause(self) -> bool:
        """Hold an unfinished Run, keeping what slices in work still bring; True if it was one."""
        return bool(Run.objects.unfinished().filter(pk=self.pk).update(state=Run.State.PAUSED))

    def cancel(self, why: str = "") -> bool:
        """Stop a Run, keeping what slices in work still bring; True if it had not stopped yet."""
        return self._stop(Run.State.CANCELLED, why, Run.State.PAUSED)

    def _stop(self, state: "Run.State", error: str, *also: "Run.State") -> bool:
        going = [Run.State.QUEUED, Run.State.RUNNING, *also]
        stopped = Run.objects.filter(pk=self.pk, state__in=going)
        return bool(stopped.update(state=state, error=error, finished_at=timezone.now()))

    @property
    def left(self) -> int:
        """Entries that are neither done nor failed."""
        return max(0, self.total - self.done - self.failed)

    @property
    def is_over_budget(self) -> bool:
        return self.budget is not None and self.money >= self.budget

    @property
    def currency(self) -> str:
        """What `money` and `budget` are counted in; empty where the Run has no price."""
        return str(self.request.get("currency", ""))

    @property
    def subject(self) -> str:
        """What draws or marks in this Run, or what it brings in or out, as its request names it."""
        if self.is_of_managers or self.kind == Run.Kind.LABELLING:
            return str(self.request.get("name", ""))
        model = self.request.get("engine_config", {}).get("model") or ""
        return f"{self.request.get('engine', '')} {model}".strip()

    @property
    def tokens_a_second(self) -> float:
        return 1000 * self.completion_tokens / self.work_ms if self.work_ms else 0.0
