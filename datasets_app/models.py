"""Named datasets, their frozen versions, and the files of these."""

from typing import IO, ClassVar
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from annotation.models import Project, Run
from datasets_app import stored
from datasets_app.import_models import Upload as Upload
from datasets_app.import_models import UploadBadLine as UploadBadLine
from datasets_app.import_models import UploadOccurrence as UploadOccurrence
from datasets_app.import_models import UploadPart as UploadPart
from web.models import User


class DatasetQuerySet(models.QuerySet["Dataset"]):
    def visible_to(self, user: User) -> "DatasetQuerySet":
        """Those of projects whose marks `user` may read: a dataset holds everybody's."""
        return self.filter(project__in=Project.objects.marks_visible_to(user))

    def managed_by(self, user: User) -> "DatasetQuerySet":
        return self.filter(project__in=Project.objects.managed_by(user))


class Dataset(models.Model):
    """What a project publishes under one name, in versions."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="datasets", db_index=False)
    slug = models.SlugField(max_length=100)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True, help_text="Markdown, for the dataset's card.")
    license = models.CharField(
        max_length=100, blank=True, help_text="As the Hugging Face hub names it, such as cc-by-4.0."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "slug"], name="dataset_once_a_name")
        ]

    def __str__(self) -> str:
        return f"{self.project.slug}/{self.slug}"


class HeldOut(models.Model):
    """Problems of a file that no dataset of a project may hold, such as an evaluation set."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="held_out", db_index=False)
    name = models.CharField(max_length=200)
    texts = models.JSONField(help_text="The problems, as the file has them.")
    sha256 = models.CharField(max_length=64, help_text="Of these, sorted, as JSON lines.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "name"], name="held_out_once_a_name")
        ]

    def __str__(self) -> str:
        return self.name


class SnapshotQuerySet(models.QuerySet["Snapshot"]):
    def visible_to(self, user: User) -> "SnapshotQuerySet":
        return self.filter(dataset__in=Dataset.objects.visible_to(user))

    def frozen(self) -> "SnapshotQuerySet":
        return self.filter(state=Snapshot.State.FROZEN)


class Snapshot(models.Model):
    """A version of a dataset. Once frozen its solutions and marks never change.

    They are files, not rows: what the tables say later does not reach them. Formats can be added
    to a frozen one, made of these files.
    """

    class State(models.TextChoices):
        FREEZING = "freezing", _("Being frozen")
        FROZEN = "frozen", _("Frozen")
        FAILED = "failed", _("Failed")

    class Standing(models.TextChoices):
        """What people are told: the state, and what has become of the run that is to freeze it."""

        FREEZING = "freezing", _("Being frozen")
        STOPPED = "stopped", pgettext_lazy("a version", "Stopped")
        FAILED = "failed", _("Failed")
        FROZEN = "frozen", _("Frozen")

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="snapshots", db_index=False)
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.FREEZING)
    rules = models.JSONField()
    run = models.ForeignKey(Run, models.SET_NULL, null=True, blank=True, related_name="+")
    content_hash = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 over its solutions and marks."
    )
    manifest = models.JSONField(default=dict, blank=True)
    notes = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    frozen_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = SnapshotQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dataset", "version"], name="snapshot_once_a_version")
        ]

    def __str__(self) -> str:
        return f"{self.dataset} v{self.version}"

    @property
    def is_frozen(self) -> bool:
        return self.state == Snapshot.State.FROZEN

    @property
    def standing(self) -> Standing:
        if self.is_frozen:
            return Snapshot.Standing.FROZEN
        if self.run and self.run.is_unfinished:
            return Snapshot.Standing.FREEZING
        run_failed = self.run is not None and bool(self.run.error or self.run.failed)
        if self.state == Snapshot.State.FAILED or run_failed:
            return Snapshot.Standing.FAILED
        return Snapshot.Standing.STOPPED


class Export(models.Model):
    """A snapshot in one training format, with its options: a folder of files."""

    snapshot = models.ForeignKey(Snapshot, models.CASCADE, related_name="exports", db_index=False)
    name = models.SlugField(max_length=100, help_text="The folder's; the format's unless given.")
    format = models.CharField(max_length=50)
    container = models.CharField(max_length=20)
    options = models.JSONField(help_text="As `ExportOptions` spells them.")
    is_whole = models.BooleanField(default=False, help_text="Whether all its files are there.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["snapshot", "name"], name="export_once_a_name")
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.snapshot}"


class SnapshotFile(models.Model):
    """One file of a snapshot, where the dataset's storage keeps it under its content's name."""

    class Kind(models.TextChoices):
        SOLUTIONS = "solutions", _("Solutions and marks")
        ROWS = "rows", _("Rows of a format")
        ORIGINS = "origins", _("Where each row comes from")
        ABOUT = "about", _("About the version")

    snapshot = models.ForeignKey(Snapshot, models.CASCADE, related_name="files", db_index=False)
    export = models.ForeignKey(Export, models.CASCADE, null=True, blank=True, related_name="files")
    kind = models.CharField(max_length=10, choices=Kind)
    path = models.CharField(max_length=300, help_text="Within the version, as readers name it.")
    split = models.CharField(max_length=100, blank=True)
    shard = models.PositiveIntegerField(default=0)
    rows = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(
        default=0, help_text="Marked solutions that the format has no row of."
    )
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    sha256 = models.CharField(max_length=64)
    stored_as = models.CharField(max_length=300, help_text="Its name in the storage.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["snapshot", "path"], name="snapshot_file_once_a_path")
        ]

    def __str__(self) -> str:
        return self.path

    def opened(self) -> IO[bytes]:
        """Open it for reading; what took its place, where that happened since it was looked up."""
        try:
            return stored.opened(self.stored_as)
        except FileNotFoundError:
            if not self.was_replaced():
                raise
            return stored.opened(self.stored_as)

    def was_replaced(self) -> bool:
        """Tell whether another file has taken its place, and stand for that one."""
        before = self.stored_as
        self.refresh_from_db(fields=["stored_as", "size", "sha256"])
        return self.stored_as != before
