"""The admin's view of what comes in and is published."""

from django.contrib import admin

from datasets_app.models import (
    Dataset,
    Export,
    HeldOut,
    Snapshot,
    SnapshotFile,
    Upload,
    UploadBadLine,
    UploadOccurrence,
    UploadPart,
)
from web.admin import ReadOnlyAdmin


@admin.register(Dataset)
class DatasetAdmin(ReadOnlyAdmin):
    list_display = ("title", "slug", "project", "license", "created_at")
    list_select_related = ("project",)
    search_fields = ("title", "slug")


@admin.register(HeldOut)
class HeldOutAdmin(ReadOnlyAdmin):
    list_display = ("name", "project", "sha256", "created_at")
    list_select_related = ("project",)
    search_fields = ("name",)


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "state", "content_hash", "created_at", "frozen_at")
    list_select_related = ("dataset__project",)
    list_filter = ("state",)
    search_fields = ("=content_hash", "dataset__slug")


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "format", "container", "is_whole")
    list_select_related = ("snapshot__dataset__project",)
    list_filter = ("format", "container")
    search_fields = ("name",)


@admin.register(SnapshotFile)
class SnapshotFileAdmin(ReadOnlyAdmin):
    list_display = ("path", "snapshot", "kind", "split", "rows", "size")
    list_select_related = ("snapshot__dataset__project",)
    list_filter = ("kind",)
    search_fields = ("path", "=sha256")


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    list_display = ("run", "file", "kind", "size_bytes", "read", "added", "bad")
    list_select_related = ("run",)
    search_fields = ("=file",)


@admin.register(UploadPart)
class UploadPartAdmin(ReadOnlyAdmin):
    list_display = ("id", "upload", "number", "first_line")
    list_select_related = ("upload",)
    search_fields = ("=number",)
    exclude = ("body",)


@admin.register(UploadBadLine)
class UploadBadLineAdmin(ReadOnlyAdmin):
    list_display = ("id", "upload", "number", "reason")
    list_select_related = ("upload",)
    search_fields = ("=number",)


@admin.register(UploadOccurrence)
class UploadOccurrenceAdmin(ReadOnlyAdmin):
    list_display = ("id", "upload", "key", "count")
    list_select_related = ("upload",)
    search_fields = ("=key",)
