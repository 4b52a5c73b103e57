from django.contrib import admin
from django.http import HttpRequest

from labelers.models import Labeler
from web.admin import TableAdmin


@admin.register(Labeler)
class LabelerAdmin(TableAdmin):
    """A model's judge and configuration are read-only: a change makes a new labeler."""

    list_display = ("name", "kind", "judge", "user", "uuid", "retired_at")
    list_filter = ("kind",)
    list_select_related = ("user",)
    search_fields = ("name", "uuid", "user__username")
    raw_id_fields = ("user",)
    readonly_fields = ("uuid", "kind", "judge", "config", "replaces", "retired_at", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
