"""What has become of annotations and verdicts, for clients that ask what is new."""

from typing import ClassVar

from django.db import models
from django.db.models import Func

from annotation.models.projects import Project


class TransactionId(models.Field[int, int]):
    """PostgreSQL's number of a transaction, which never comes again (`xid8`)."""

    def db_type(self, connection: object) -> str:
        return "xid8"


class CurrentTransaction(Func):
    function = "pg_current_xact_id"
    output_field = TransactionId()


class MarkChange(models.Model):
    """Something of one annotation or verdict was written, changed or deleted, and by which
    transaction.

    Triggers of the database write it (migration 0012, ADR 10), so that nothing is left out that
    came by COPY, by hand or by a cascade. What there is now is read where it is.
    """

    class Kind(models.TextChoices):
        ANNOTATION = "annotation"
        VERDICT = "verdict"

    project = models.ForeignKey(
        Project, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    kind = models.CharField(max_length=10, choices=Kind)
    key = models.BigIntegerField(help_text="The annotation, or the step of the verdict.")
    labeler_id = models.BigIntegerField(null=True, help_text="Whose annotation it is.")
    xid = TransactionId(db_default=CurrentTransaction())

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["project", "kind", "xid", "id"], name="mark_change_in_order")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
