"""The admin's view of what comes in and is published."""

from django.contrib import admin

from datasets_app.models import Upload, UploadBadLine, UploadOccurrence, UploadPart
from web.admin import ReadOnlyAdmin


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
