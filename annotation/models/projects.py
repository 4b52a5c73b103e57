"""Projects and who takes part in them."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from annotation.policy import BadPolicy, Policy
from web.models import User


def is_policy(value: Any) -> None:
    """Raise ValidationError for what is no policy."""
    try:
        Policy.from_json(value)
    except BadPolicy as error:
        raise ValidationError(str(error)) from error


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, user: User) -> "ProjectQuerySet":
        """Those that `user` takes part in; a superuser sees all."""
        if user.is_superuser:
            return self
        return self.filter(pk__in=Membership.objects.active().filter(user=user).values("project"))

    def managed_by(self, user: User) -> "ProjectQuerySet":
        """Those whose settings and people `user` may change."""
        return self.where(user, Membership.Role.MANAGER)

    def labelled_by(self, user: User) -> "ProjectQuerySet":
        """Those where `user` may take work; readers only read."""
        return self.where(
            user, Membership.Role.MANAGER, Membership.Role.REVIEWER, Membership.Role.LABELER
        )

    def where(self, user: User, *roles: "Membership.Role") -> "ProjectQuerySet":
        """Those where `user` has one of `roles`; a superuser has them all."""
        if user.is_superuser:
            return self
        # A user is a member once, so that this join repeats no project.
        return self.filter(
            memberships__user=user, memberships__role__in=roles, memberships__ended_at=None
        )

    def marks_visible_to(self, user: User) -> "ProjectQuerySet":
        """Those where `user` may read everybody's marks: a labeler reads only their own."""
        return self.where(
            user, Membership.Role.MANAGER, Membership.Role.REVIEWER, Membership.Role.READER
        )

    def reviewed_by(self, user: User) -> "ProjectQuerySet":
        """Those where `user` may take what a reviewer has to decide."""
        return self.where(user, Membership.Role.MANAGER, Membership.Role.REVIEWER)

    def grades_visible_to(self, user: User) -> "ProjectQuerySet":
        """Those where `user` may see reference answers and grades: a labeler only where shown."""
        everybodys = Project.objects.marks_visible_to(user).values("pk")
        shown = Q(show_reference_answer=True) | Q(pk__in=everybodys)
        return self.visible_to(user).filter(shown)

    def active(self) -> "ProjectQuerySet":
        return self.filter(archived_at=None)

    def lock(self, project_id: int, *, skips: bool = False) -> "Project":
        """Let nobody else change the settings of a project, its slots or its verdicts until commit.

        Always the first lock of a transaction. Return the project as it is now; with `skips`, raise
        DoesNotExist where somebody else has it locked.
        """
        return self.select_for_update(no_key=True, skip_locked=skips).get(pk=project_id)


class Project(models.Model):
    """A body of problems and solutions with one way of marking them."""

    class Mode(models.TextChoices):
        REVIEW = "review", "Review: mark a finished solution up to its first error"
        EXPLORE = "explore", "Explore: build a solution step by step"

    class Order(models.TextChoices):
        """What the queue gives first."""

        OLDEST = "oldest", "Oldest first"
        CONVINCING = "convincing", "Most convincing wrong answers first"
        RANDOM = "random", "In a random order"

    slug = models.SlugField(max_length=100, unique=True)
    name = models.CharField(max_length=200)
    mode = models.CharField(max_length=10, choices=Mode, default=Mode.REVIEW)
    overlap = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="How many people mark each solution.",
    )
    lease_minutes = models.PositiveSmallIntegerField(default=30, validators=[MinValueValidator(1)])
    stop_at_first_error = models.BooleanField(
        default=True, help_text="Nothing is labelled after the first incorrect step."
    )
    show_reference_answer = models.BooleanField(default=True)
    skip_minutes = models.PositiveSmallIntegerField(
        default=30, help_text="A skipped solution comes back to whoever skipped it after this."
    )
    idle_minutes = models.PositiveSmallIntegerField(
        default=5,
        validators=[MinValueValidator(1)],
        help_text="Without a sign of the annotator for this long, time is no longer counted.",
    )
    queue_order = models.CharField(max_length=10, choices=Order, default=Order.OLDEST)
    routing_round = models.PositiveIntegerField(
        default=0, editable=False, help_text="Counts bulk routings: each is read from the start."
    )
    ask_critique = models.BooleanField(
        default=False, help_text="After a Bad: rate or write an explanation of the mistake."
    )
    ask_progress = models.BooleanField(
        default=False, help_text="After a Bad: rate how far the solution had come."
    )
    ask_alternatives = models.BooleanField(
        default=False, help_text="After a Bad: rate the other candidates for that step."
    )
    allow_rest_great = models.BooleanField(default=False, help_text='Offer "Mark the rest Great".')
    candidates = models.PositiveSmallIntegerField(
        default=4,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text="Explore: how many candidate steps are shown at each position.",
    )
    drawing = models.JSONField(
        default=dict,
        blank=True,
        help_text="Explore: the engine that draws candidates while people wait, and how.",
    )
    guidelines = models.TextField(blank=True, help_text="Markdown.")
    routing = models.JSONField(
        default=dict,
        blank=True,
        validators=[is_policy],
        help_text="The policy of its route; empty: all goes to people.",
    )
    announces = ArrayField(
        models.CharField(max_length=50),
        default=list,
        blank=True,
        editable=False,
        help_text="Events that some webhook of it listens to: others need not be written.",
    )
    tokens = models.ManyToManyField("web.ApiToken", related_name="projects", blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    paused_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def unit_of_work(self) -> str:
        """What no labeler is given twice, as the path to it from a slot, a lease, an annotation.

        In explore mode every slot has a solution of its own: there it is the problem.
        """
        return "solution__problem" if self.mode == Project.Mode.EXPLORE else "solution"

    @property
    def is_routed(self) -> bool:
        """Whether a policy says where its solutions go: not where labelers build them."""
        return bool(self.routing) and self.mode == Project.Mode.REVIEW


class MembershipQuerySet(models.QuerySet["Membership"]):
    def active(self) -> "MembershipQuerySet":
        return self.filter(ended_at=None)


class Membership(models.Model):
    """One user's part in one project. Ended, it keeps the marks but opens nothing."""

    class Role(models.TextChoices):
        MANAGER = "manager"
        REVIEWER = "reviewer"
        LABELER = "labeler"
        READER = "reader"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    joined_at = models.DateTimeField(default=timezone.now, editable=False)
    practised_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "project"], name="membership_once_a_project")
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.role} of {self.project}"

    def take_role(self, role: str) -> None:
        self.role = role
        self.save(update_fields=["role"])

    def end(self) -> None:
        if self.ended_at is None:
            self.ended_at = timezone.now()
            self.save(update_fields=["ended_at"])

    def restore(self) -> None:
        self.ended_at = None
        self.save(update_fields=["ended_at"])


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> "InvitationQuerySet":
        """Those that can be accepted now. Good in an UPDATE: it asks each row of itself only.

        Whoever made one must still manage the project: then one that was made just as its maker
        was sent away is not open either.
        """
        inviting = User.objects.filter(is_active=True).values("pk")
        managing = Membership.objects.active().filter(
            role=Membership.Role.MANAGER, user=OuterRef("created_by"), project=OuterRef("project")
        )
        return self.filter(
            Q(created_by__in=inviting.filter(is_superuser=True)) | Exists(managing),
            accepted_at=None,
            revoked_at=None,
            expires_at__gt=timezone.now(),
            created_by__in=inviting,
        )


class Invitation(models.Model):
    """A link that makes whoever opens it, once and in time, a member. Only its digest is kept."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=10, choices=Membership.Role)
    note = models.CharField(max_length=200, blank=True, help_text="Whom it is for.")
    secret_digest = models.CharField(max_length=64, unique=True, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    def __str__(self) -> str:
        return f"invitation to {self.project} as {self.role}"
