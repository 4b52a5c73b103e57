"""Files that somebody has sent to be imported, cut into parts that workers take one by one."""

from typing import ClassVar

from django.db import models

from annotation.models import Run


class Upload(models.Model):
    """A file that a Run imports, and what has come of it so far."""

    class Kind(models.TextChoices):
        PROBLEMS = "problems"
        SOLUTIONS = "solutions"
        ANNOTATIONS = "annotations"
        MARKS = "marks"

    run = models.OneToOneField(
        Run, models.CASCADE, primary_key=True, related_name="upload", help_text="That imports it."
    )
    kind = models.CharField(max_length=20, choices=Kind)
    importer = models.CharField(max_length=50)
    file = models.CharField(max_length=255, help_text="Its name, as it was sent.")
    size_bytes = models.PositiveBigIntegerField(help_text="As it was sent.")
    sha256 = models.CharField(max_length=64, help_text="Of what was sent.")
    options = models.JSONField(default=dict, blank=True)
    read = models.PositiveBigIntegerField(default=0, help_text="Good records.")
    added = models.PositiveBigIntegerField(default=0, help_text="Those that made a row.")
    bad = models.PositiveBigIntegerField(default=0, help_text="Bad lines.")

    def __str__(self) -> str:
        return self.file

    @property
    def known(self) -> int:
        """Records that were there already, or said what another record said."""
        return max(0, self.read - self.added)


class UploadPart(models.Model):
    """Some lines of an upload, compressed: gone when they are imported."""

    upload = models.ForeignKey(Upload, models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    first_line = models.PositiveBigIntegerField(help_text="From 1.")
    body = models.BinaryField(help_text="Zstandard.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["upload", "number"], name="upload_part_once_a_number")
        ]

    def __str__(self) -> str:
        return f"part {self.number} of {self.upload_id}"


class UploadBadLine(models.Model):
    """A line of an upload that is of no use, and why."""

    upload = models.ForeignKey(Upload, models.CASCADE, related_name="bad_lines", db_index=False)
    number = models.PositiveBigIntegerField(help_text="From 1.")
    reason = models.TextField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["upload", "number", "id"], name="upload_bad_line_in_order")
        ]

    def __str__(self) -> str:
        return f"line {self.number}: {self.reason}"


class UploadOccurrence(models.Model):
    """How often a key came in an upload so far: gone when the upload is imported."""

    upload = models.ForeignKey(Upload, models.CASCADE, related_name="+", db_index=False)
    key = models.UUIDField()
    count = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["upload", "key"], name="upload_occurrence_once_a_key")
        ]

    def __str__(self) -> str:
        return f"{self.count} × {self.key}"
