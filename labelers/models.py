"""Who judges: one row for each person and each model that marks."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

IMPORTED = "imported"
"""Stands for the judge of a model whose marks came from elsewhere: it cannot mark here."""


class LabelerQuerySet(models.QuerySet["Labeler"]):
    def machines(self) -> "LabelerQuerySet":
        return self.filter(kind=Labeler.Kind.MODEL)

    def judges(self) -> "LabelerQuerySet":
        """Models that mark by a judge; the others are programs, which come over REST."""
        return self.machines().exclude(judge="")

    def programs(self) -> "LabelerQuerySet":
        return self.machines().filter(judge="")

    def current(self) -> "LabelerQuerySet":
        """Those that may mark: not retired by a labeler that replaced them."""
        return self.filter(retired_at=None)


class Labeler(models.Model):
    """One person or one model, known outside by `uuid`.

    A model's judge and configuration never change: a change makes a new Labeler that
    names the one it replaces, so that every mark can be traced to what made it. A model without a
    judge is a program that marks over REST: it is the account that it comes with.
    """

    class Kind(models.TextChoices):
        PERSON = "person"
        MODEL = "model"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=200)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="labeler"
    )
    judge = models.CharField(max_length=100, blank=True)
    config = models.JSONField(default=dict, blank=True)
    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="replaced_by"
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = LabelerQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["name"],
                condition=models.Q(kind="model", retired_at=None),
                name="labeler_current_model_names_are_unique",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="person", judge="")
                | (models.Q(kind="model", user=None) & ~models.Q(judge=""))
                | (models.Q(kind="model", judge="") & ~models.Q(user=None)),
                name="labeler_is_a_person_a_judge_or_a_program",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def retire(self) -> None:
        self.retired_at = timezone.now()
        self.save(update_fields=["retired_at"])
