"""What the queue and the runs answer, described for the API's schema."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from annotation.api_fields import ChoiceFields, DraftFields
from annotation.api_shapes import RatingField
from annotation.models import Annotation, Project, Run

WHOLE_NUMBERS = {"type": "object", "additionalProperties": {"type": "integer"}}


class AssignmentProblem(serializers.Serializer[Any]):
    text = serializers.CharField()
    reference_answer = serializers.CharField(
        required=False, allow_null=True, help_text="Where the project shows it."
    )


class AssignmentStep(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    position = serializers.IntegerField()
    text = serializers.CharField()


class AssignmentAlternative(AssignmentStep):
    alternative = serializers.IntegerField()


class Explanation(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    step = serializers.IntegerField()
    labeler = serializers.CharField()
    text = serializers.CharField()


class Suggestion(serializers.Serializer[Any]):
    labeler = serializers.CharField()
    rating = RatingField(allow_null=True)


class SuggestionsField(serializers.DictField):
    """By the id of the step."""

    child = serializers.ListField(child=Suggestion())


class AssignmentShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    project = serializers.SlugField()
    mode = serializers.ChoiceField(choices=Project.Mode.choices)
    until = serializers.DateTimeField()
    is_ahead = serializers.BooleanField()
    corrects = serializers.IntegerField(allow_null=True)
    problem = AssignmentProblem()
    steps = AssignmentStep(many=True)
    alternatives = AssignmentAlternative(many=True)
    explanations = Explanation(many=True)
    suggestions = SuggestionsField()
    draft = DraftFields()
    version = serializers.IntegerField()


class WaitingShape(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(choices=["nothing", "not_given_out", "paused", "archived"])
    reserved = serializers.IntegerField()
    reserved_until = serializers.DateTimeField(allow_null=True)
    skipped = serializers.IntegerField()
    returns_at = serializers.DateTimeField(allow_null=True)


class NextAnswer(serializers.Serializer[Any]):
    assignment = AssignmentShape(allow_null=True)
    waiting = WaitingShape(allow_null=True)


class OpenedAnswer(serializers.Serializer[Any]):
    assignment = AssignmentShape()


class DraftAnswer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    until = serializers.DateTimeField()
    surplus = serializers.BooleanField()


class SubmitAnswer(serializers.Serializer[Any]):
    annotation = serializers.IntegerField()
    finish_reason = serializers.ChoiceField(
        choices=Annotation.FinishReason.choices, allow_blank=True
    )
    surplus = serializers.BooleanField()
    is_new = serializers.BooleanField()


class ExtendAnswer(serializers.Serializer[Any]):
    until = serializers.DateTimeField()


class CandidateStep(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    text = serializers.CharField()


class CandidatesAnswer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    steps = CandidateStep(many=True)
    final_answer = serializers.CharField(allow_null=True)
    is_waiting = serializers.BooleanField()
    is_short = serializers.BooleanField()
    error = serializers.CharField(allow_blank=True)


class ChooseAnswer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    choice = ChoiceFields()
    is_finished = serializers.BooleanField()
    surplus = serializers.BooleanField()


@extend_schema_field(WHOLE_NUMBERS)
class CountsField(serializers.JSONField):
    """Numbers by name."""


class RunShape(serializers.ModelSerializer[Run]):
    url = serializers.CharField()
    subject = serializers.CharField()
    left = serializers.IntegerField()
    per_minute = serializers.FloatField(allow_null=True)
    seconds_left = serializers.IntegerField(allow_null=True)
    money = serializers.CharField(allow_null=True, help_text="A decimal; null without a price.")
    currency = serializers.CharField(allow_null=True)
    budget = serializers.CharField(allow_null=True, help_text="A decimal.")
    errors = CountsField(help_text="How many failed, by reason.")  # type: ignore[assignment] # of that name
    waiting = CountsField(help_text="How many are to be tried again, by reason.")

    class Meta:
        model = Run
        fields = read_only_fields = (
            "id", "url", "kind", "subject", "state", "error", "total", "done", "failed", "left",
            "per_minute", "seconds_left", "calls", "estimated_calls", "prompt_tokens",
            "completion_tokens", "work_ms", "money", "currency", "budget", "errors", "waiting",
            "not_before", "at_once", "created_at", "started_at", "finished_at",
        )  # fmt: skip
