"""The admin's view of users and tokens, and what every admin of ours shares."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import Model
from django.http import HttpRequest

from web.models import ApiToken, Delivery, KeptAnswer, Subscription, User

if TYPE_CHECKING:  # Django's own classes take no type parameters when they run
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline


class TableAdmin(ModelAdmin):
    """What holds for every table: it may be large, so no count of all its rows."""

    show_full_result_count = False


class ReadOnlyAdmin(TableAdmin):
    """For rows that are written once, by a use case, and never by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


admin.site.register(User, UserAdmin)
admin.site.site_header = admin.site.site_title = "Stepmark"


@admin.register(ApiToken)
class ApiTokenAdmin(TableAdmin):
    """Tokens can be looked at and taken away; one is shown only where it is made."""

    list_display = ("name", "token_key", "user", "scopes", "expiry", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("name", "token_key", "user__username")
    readonly_fields = (
        "name", "token_key", "user", "scopes", "every_project", "created", "expiry", "last_used_at",
    )  # fmt: skip
    exclude = ("digest",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = ("url", "channel", "events", "disabled_at", "failed_in_a_row")
    search_fields = ("url", "=channel")
    exclude = ("nonce", "old_nonce")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("id", "event", "subscription", "state", "tries", "created_at")
    list_select_related = ("subscription",)
    list_filter = ("state",)
    search_fields = ("=event",)


@admin.register(KeptAnswer)
class KeptAnswerAdmin(ReadOnlyAdmin):
    list_display = ("id", "address", "user", "status", "created_at")
    list_select_related = ("user",)
    search_fields = ("=key",)
    exclude = ("body", "token")
