"""Who may come in, what was answered to them, and whom the site tells of what happens."""

import uuid
from datetime import timedelta
from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
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
    is_service = models.BooleanField(
        default=False, help_text="A program: it comes in by its tokens alone, never by a page."
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


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def enabled(self) -> "SubscriptionQuerySet":
        return self.filter(disabled_at=None)


class Subscription(models.Model):
    """An address that is told of what happens on a channel: the events of one project, say."""

    OLD_SECRET_FOR = timedelta(hours=24)
    """How long the secret before the last change goes on signing beside it."""

    channel = models.CharField(max_length=100, db_index=True)
    url = models.CharField(max_length=2000)
    events = ArrayField(models.CharField(max_length=50))
    nonce = models.UUIDField(default=uuid.uuid4, editable=False)
    old_nonce = models.UUIDField(null=True, blank=True, editable=False)
    changed_secret_at = models.DateTimeField(default=timezone.now, editable=False)
    failed_in_a_row = models.PositiveIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="The first of the tries that failed."
    )
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_because = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = SubscriptionQuerySet.as_manager()

    def __str__(self) -> str:
        return self.url

    @property
    def secret(self) -> str:
        """What signs its deliveries. It is made from the site's key: the database holds none."""
        return _secret(self.nonce)

    @property
    def secrets(self) -> list[str]:
        """The secret, and the one before it as long as that still signs."""
        nonces = [self.nonce]
        if self.old_nonce and timezone.now() < self.changed_secret_at + self.OLD_SECRET_FOR:
            nonces.append(self.old_nonce)
        return [_secret(nonce) for nonce in nonces]

    def change_secret(self) -> None:
        self.old_nonce, self.nonce = self.nonce, uuid.uuid4()
        self.changed_secret_at = timezone.now()
        self.save(update_fields=["nonce", "old_nonce", "changed_secret_at"])

    def disable(self, because: str) -> None:
        self.disabled_at, self.disabled_because = timezone.now(), because
        self.save(update_fields=["disabled_at", "disabled_because"])

    def enable(self) -> None:
        self.disabled_at, self.disabled_because = None, ""
        self.failed_in_a_row, self.failing_since = 0, None
        self.save(
            update_fields=["disabled_at", "disabled_because", "failed_in_a_row", "failing_since"]
        )


def _secret(nonce: uuid.UUID) -> str:
    digest = salted_hmac("web.Subscription", nonce.hex, algorithm="sha256").hexdigest()
    return f"whsec_{digest}"


class Delivery(models.Model):
    """One event for one subscription: written with what it tells of, sent until it arrives."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Given up")

    subscription = models.ForeignKey(Subscription, models.CASCADE, related_name="deliveries")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    event = models.CharField(max_length=50)
    payload = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    leased_until = models.DateTimeField(null=True, blank=True)
    attempts = models.JSONField(
        default=list, blank=True, help_text="The last ones: at, status, error, ms."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["next_try_at"],
                condition=models.Q(state="waiting"),
                name="delivery_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.subscription}"

    def again(self) -> None:
        """Wait to be sent again, as if it had not been tried yet."""
        self.state, self.ended_at = Delivery.State.WAITING, None
        self.tries, self.next_try_at = 0, timezone.now()
        self.save(update_fields=["state", "ended_at", "tries", "next_try_at"])


class KeptAnswer(models.Model):
    """What a POST under an Idempotency-Key was answered, for when it comes again."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    token = models.CharField(
        max_length=128, blank=True, help_text="Digest of the token that asked; blank: a session."
    )
    key = models.CharField(max_length=255)
    address = models.CharField(max_length=2000, help_text="Method and path.")
    request_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(blank=True)
    location = models.CharField(max_length=2000, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "token", "key"], name="kept_answer_once_a_token_and_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.address} ({self.key})"
