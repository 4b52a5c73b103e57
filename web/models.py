"""Who may come in: users and their API tokens."""

from datetime import timedelta
from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from knox.models import AbstractAuthToken


class User(AbstractUser):
    """A person who can log in. Ours from the first migration, since it cannot be swapped later."""

    language = models.CharField(max_length=10, blank=True, help_text="Blank: the browser's.")
    time_zone = models.CharField(max_length=64, blank=True, help_text="Blank: the site's.")
    keys = models.JSONField(
        default=dict, blank=True, help_text="Key of each action on the labelling page, if changed."
    )
    daily_goal = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Solutions a day, shown while labelling."
    )


class Scope(models.TextChoices):
    """What a token may be used for, never above its owner's own rights."""

    READ = "read"
    LABEL = "label"
    REVIEW = "review"
    MANAGE = "manage"


class ApiToken(AbstractAuthToken):
    """An opaque token, stored hashed and shown once.

    It opens the projects that name it (`Project.tokens`), or all of its owner's when
    `every_project` is set.
    """

    name = models.CharField(max_length=200)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope))
    every_project = models.BooleanField(default=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=list(Scope.values)),
                name="api_token_scopes_are_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.token_key}…)"

    def mark_used(self) -> None:
        """Remember that the token was used, to the minute: one write for many requests."""
        now = timezone.now()
        if self.last_used_at is None or self.last_used_at < now - timedelta(minutes=1):
            ApiToken.objects.filter(pk=self.pk).update(last_used_at=now)
