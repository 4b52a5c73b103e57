"""Projects and who takes part in them."""

from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from web.models import User


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, user: User) -> "ProjectQuerySet":
        """Those that `user` takes part in; a superuser sees all."""
        if user.is_superuser:
            return self
        return self.filter(memberships__user=user)

    def marks_visible_to(self, user: User) -> "ProjectQuerySet":
        """Those where `user` may read everybody's marks: a labeler reads only their own."""
        if user.is_superuser:
            return self
        roles = Membership.objects.filter(user=user).exclude(role=Membership.Role.LABELER)
        return self.filter(pk__in=roles.values("project"))

    def grades_visible_to(self, user: User) -> "ProjectQuerySet":
        """Those where `user` may see reference answers and grades: a labeler only where shown."""
        everybodys = Project.objects.marks_visible_to(user).values("pk")
        shown = Q(show_reference_answer=True) | Q(pk__in=everybodys)
        return self.visible_to(user).filter(shown)

    def active(self) -> "ProjectQuerySet":
        return self.filter(archived_at=None)


class Project(models.Model):
    """A body of problems and solutions with one way of marking them."""

    class Mode(models.TextChoices):
        REVIEW = "review", "Review: mark a finished solution up to its first error"
        EXPLORE = "explore", "Explore: build a solution step by step"

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
    guidelines = models.TextField(blank=True, help_text="Markdown.")
    routing = models.JSONField(default=dict, blank=True)
    tokens = models.ManyToManyField("web.ApiToken", related_name="projects", blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One user's part in one project."""

    class Role(models.TextChoices):
        MANAGER = "manager"
        REVIEWER = "reviewer"
        LABELER = "labeler"
        READER = "reader"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "project"], name="membership_once_a_project")
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.role} of {self.project}"
