"""Every table of the app, to look at; by hand only what is settings or bookkeeping can change."""

from typing import ClassVar

from django.contrib import admin
from django.http import HttpRequest

from annotation.models import (
    Annotation,
    Assignment,
    CritiqueRating,
    Invitation,
    Lease,
    Membership,
    Position,
    Problem,
    Project,
    Reconsideration,
    Run,
    RunSlice,
    Solution,
    Step,
    StepLabel,
    Verdict,
    WorkCost,
)
from web.admin import ReadOnlyAdmin, TableAdmin, TabularInline


class MembershipInline(TabularInline):
    model = Membership
    raw_id_fields = ("user",)
    extra = 0


@admin.register(Project)
class ProjectAdmin(TableAdmin):
    list_display = ("name", "slug", "mode", "overlap", "created_at", "archived_at")
    list_filter = ("mode",)
    search_fields = ("name", "slug")
    prepopulated_fields: ClassVar = {"slug": ["name"]}
    raw_id_fields = ("tokens",)
    inlines = (MembershipInline,)


@admin.register(Membership)
class MembershipAdmin(TableAdmin):
    list_display = ("user", "project", "role")
    list_filter = ("role",)
    list_select_related = ("user", "project")
    search_fields = ("user__username", "project__name", "project__slug")
    raw_id_fields = ("user", "project")


@admin.register(Problem)
class ProblemAdmin(TableAdmin):
    """Text and reference make the problem what it is, so they do not change."""

    list_display = ("id", "__str__", "project", "split", "subject", "level", "external_id")
    list_select_related = ("project",)
    search_fields = ("=external_id", "text")
    raw_id_fields = ("project",)
    readonly_fields = (
        "project", "text", "reference_answer", "reference_solution", "key", "solution_key",
        "created_at",
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Solution)
class SolutionAdmin(ReadOnlyAdmin):
    list_display = ("id", "project", "problem_id", "model", "final_answer", "is_correct")
    list_filter = ("is_correct", "built")
    list_select_related = ("project",)
    search_fields = ("=problem__external_id", "=model")


@admin.register(Step)
class StepAdmin(ReadOnlyAdmin):
    list_display = ("id", "solution_id", "position", "alternative", "writer", "text")
    search_fields = ("=solution__id",)
    search_help_text = "The id of a solution."


@admin.register(Assignment)
class AssignmentAdmin(ReadOnlyAdmin):
    list_display = ("id", "project", "solution_id", "labeler", "state", "priority", "reason")
    list_filter = ("state",)
    list_select_related = ("project", "labeler")
    search_fields = ("=solution__id", "=labeler__name")


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin):
    list_display = ("id", "project", "solution_id", "labeler", "claimed_at", "until", "outcome")
    list_filter = ("outcome",)
    list_select_related = ("project", "labeler")
    search_fields = ("=solution__id", "=labeler__name")


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = ("id", "project", "role", "note", "expires_at", "accepted_by", "revoked_at")
    list_select_related = ("project", "accepted_by")
    search_fields = ("=project__slug",)


@admin.register(Annotation)
class AnnotationAdmin(ReadOnlyAdmin):
    list_display = ("id", "project", "labeler", "solution_id", "finish_reason", "submitted_at")
    list_select_related = ("project", "labeler")
    search_fields = ("=solution__id", "=labeler__name")


@admin.register(Position)
class PositionAdmin(ReadOnlyAdmin):
    list_display = ("id", "annotation_id", "position", "chosen_id", "human_step_id", "listed")
    search_fields = ("=annotation__id",)
    search_help_text = "The id of an annotation."


@admin.register(StepLabel)
class StepLabelAdmin(ReadOnlyAdmin):
    list_display = ("id", "annotation_id", "step_id", "rating", "flagged", "score", "comment")
    list_filter = ("rating",)
    search_fields = ("=annotation__id",)
    search_help_text = "The id of an annotation."


@admin.register(CritiqueRating)
class CritiqueRatingAdmin(ReadOnlyAdmin):
    list_display = ("id", "annotation_id", "label_id", "rating")
    search_fields = ("=annotation__id",)
    search_help_text = "The id of an annotation."


@admin.register(Verdict)
class VerdictAdmin(ReadOnlyAdmin):
    list_display = ("id", "solution_id", "step_id", "rating", "soft", "rule", "decided_at")
    list_filter = ("rating",)
    search_fields = ("=solution__id",)
    search_help_text = "The id of a solution."


@admin.register(Reconsideration)
class ReconsiderationAdmin(ReadOnlyAdmin):
    list_display = ("id", "project", "solution_id")
    list_select_related = ("project",)
    search_fields = ("=solution__id",)
    search_help_text = "The id of a solution."


@admin.register(WorkCost)
class WorkCostAdmin(ReadOnlyAdmin):
    list_display = (
        "annotation_id",
        "calls",
        "estimated_calls",
        "prompt_tokens",
        "completion_tokens",
        "money",
    )
    search_fields = ("=annotation__id",)
    search_help_text = "The id of an annotation."


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = ("id", "project", "kind", "state", "done", "failed", "total", "created_at")
    list_filter = ("kind", "state")
    list_select_related = ("project",)
    search_fields = ("=project__slug",)


@admin.register(RunSlice)
class RunSliceAdmin(ReadOnlyAdmin):
    list_display = ("id", "run_id", "number", "state", "attempt", "lease_until")
    list_filter = ("state",)
    search_fields = ("=run__id",)
    search_help_text = "The id of a run."
