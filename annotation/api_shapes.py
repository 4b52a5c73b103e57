"""What clients read, described for the API's schema; `annotation/api_rows.py` writes most of it."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from annotation.models import (
    Annotation,
    Position,
    Problem,
    Project,
    Solution,
    Step,
    StepLabel,
    Verdict,
)
from annotation.models.projects import Membership
from labelers.models import Labeler

HIDDEN = {"allow_null": True}
"""Fields that are null for who may not read them."""


class RatingField(serializers.ChoiceField):
    def __init__(self, **how: Any) -> None:
        super().__init__(choices=[-1, 0, 1], **how)


@extend_schema_field({"type": "object", "additionalProperties": {}})
class ObjectField(serializers.JSONField):
    """A JSON object."""


class ProjectShape(serializers.ModelSerializer[Project]):
    role = serializers.ChoiceField(
        choices=Membership.Role.choices,
        allow_null=True,
        help_text="The caller's; null for a superuser who is no member.",
    )

    class Meta:
        model = Project
        fields = read_only_fields = (
            "slug", "name", "role", "mode", "overlap", "stop_at_first_error",
            "show_reference_answer", "created_at", "paused_at", "archived_at",
        )  # fmt: skip


class ProblemShape(serializers.ModelSerializer[Problem]):
    metadata = ObjectField(allow_null=True)

    class Meta:
        model = Problem
        fields = read_only_fields = (
            "id", "text", "reference_answer", "reference_solution", "external_id", "source",
            "split", "subject", "level", "metadata", "created_at",
        )  # fmt: skip


class SolutionShape(serializers.ModelSerializer[Solution]):
    parameters = ObjectField()
    metadata = ObjectField(allow_null=True)

    class Meta:
        model = Solution
        fields = read_only_fields = (
            "id", "problem", "text", "built", "splitter", "splitter_version", "engine", "model",
            "prompt_name", "prompt_text", "parameters", "seed", "prompt_tokens",
            "completion_tokens", "stopped_by", "times_drawn", "run", "final_answer", "is_correct",
            "grader", "verifier_score", "generation", "metadata", "created_at",
        )  # fmt: skip
        extra_kwargs: ClassVar = {"prompt_text": HIDDEN, "grader": HIDDEN}


class StepShape(serializers.ModelSerializer[Step]):
    class Meta:
        model = Step
        fields = read_only_fields = (
            "id", "solution", "position", "alternative", "text", "writer", "start", "end",
        )  # fmt: skip


class LabelShape(serializers.ModelSerializer[StepLabel]):
    """What an annotation says of one step; `alternative` 0 is the solution's own."""

    position = serializers.IntegerField()
    alternative = serializers.IntegerField()
    text = serializers.CharField()
    writer = serializers.ChoiceField(choices=Step.Writer.choices)
    rating = RatingField(allow_null=True, help_text="Null: not rated, never wrong.")

    class Meta:
        model = StepLabel
        fields = read_only_fields = (
            "step", "position", "alternative", "text", "writer", "rating", "flagged", "score",
            "probabilities", "comment", "shown_order",
        )  # fmt: skip


class PositionShape(serializers.ModelSerializer[Position]):
    """Which candidate an annotation went on with at a position, or the step that it wrote."""

    class Meta:
        model = Position
        fields = read_only_fields = ("position", "chosen", "human_step", "listed")


class AnnotationShape(serializers.ModelSerializer[Annotation]):
    labeler = serializers.UUIDField()
    labeler_kind = serializers.ChoiceField(choices=Labeler.Kind.choices)
    finish_reason = serializers.ChoiceField(
        choices=Annotation.FinishReason.choices, allow_blank=True
    )
    evidence = ObjectField()
    superseded_by = serializers.IntegerField(allow_null=True)
    positions = PositionShape(many=True)
    labels = LabelShape(many=True)

    class Meta:
        model = Annotation
        fields = read_only_fields = (
            "id", "solution", "labeler", "labeler_kind", "submitted_at", "finish_reason",
            "comment", "total_time_ms", "elapsed_ms", "progress", "bad_splits", "generation",
            "is_quality_control", "is_screening", "is_practice", "is_surplus", "score",
            "evidence", "supersedes", "superseded_by", "positions", "labels",
        )  # fmt: skip
        extra_kwargs: ClassVar = dict.fromkeys(
            ("is_quality_control", "is_screening", "is_practice"), HIDDEN
        )


class VerdictShape(serializers.ModelSerializer[Verdict]):
    position = serializers.IntegerField()
    rating = RatingField()

    class Meta:
        model = Verdict
        fields = read_only_fields = (
            "step", "solution", "position", "rating", "soft", "rule", "annotations", "decided_at",
        )  # fmt: skip


class LabelerShape(serializers.ModelSerializer[Labeler]):
    replaces = serializers.UUIDField(
        allow_null=True, help_text="The labeler that it took over from."
    )

    class Meta:
        model = Labeler
        fields = read_only_fields = (
            "uuid", "kind", "name", "judge", "replaces", "created_at", "retired_at",
        )  # fmt: skip


class ChangesShape(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True, help_text="More changes; null: that is all.")
    changes = serializers.URLField(help_text="Ask this later for what has changed since.")


class AnnotationChange(serializers.Serializer[Any]):
    key = serializers.IntegerField(help_text="The annotation's id.")
    value = AnnotationShape(allow_null=True, help_text="As it is now; null: no longer in force.")


class AnnotationChangesShape(ChangesShape):
    results = AnnotationChange(many=True)


class VerdictChange(serializers.Serializer[Any]):
    key = serializers.IntegerField(help_text="The step's id.")
    value = VerdictShape(allow_null=True, help_text="As it is now; null: nothing is agreed.")


class VerdictChangesShape(ChangesShape):
    results = VerdictChange(many=True)
