"""What clients send and read of datasets, described for the API's schema."""

from typing import Any, get_args

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from datasets_app.containers import CONTAINERS
from datasets_app.dataset_forms import LICENSE, RESERVED
from datasets_app.exporters import EXPORTERS
from datasets_app.exporters.base import Alternatives, Labels, Neutral
from datasets_app.models import Snapshot, SnapshotFile
from datasets_app.snapshots import Wanted
from web.api_bodies import Body, OneOf
from web.nesting import is_too_deep


@extend_schema_field({"type": "object", "additionalProperties": {}})
class ObjectField(serializers.JSONField):
    """A JSON object; also as the text of a form's field, which no parser has looked into."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            value: Any = super().to_internal_value(data)
        except RecursionError:
            self.fail("invalid")
        if isinstance(value, dict | list) and is_too_deep(value):
            self.fail("invalid")
        return value


class DatasetFields(Body[Any]):
    name = serializers.SlugField(max_length=100)
    title = serializers.CharField(max_length=200)
    description = serializers.CharField(
        default="", allow_blank=True, max_length=100_000, help_text="Markdown."
    )
    license = serializers.CharField(
        default="", allow_blank=True, max_length=100, help_text="As the Hugging Face hub names it."
    )

    def validate_name(self, name: str) -> str:
        if name in RESERVED:
            raise serializers.ValidationError("this name is taken by a page of the site")
        return name

    def validate_license(self, name: str) -> str:
        if name:
            LICENSE(name)
        return name


class OptionFields(Body[Any]):
    """Where a format is to differ from the rules, and these from what is usual for it."""

    neutral = OneOf(get_args(Neutral), required=False)
    truncate = serializers.BooleanField(required=False)
    alternatives = OneOf(get_args(Alternatives), required=False)
    separator = serializers.CharField(
        required=False, allow_null=True, trim_whitespace=False, max_length=100
    )
    labels = OneOf(get_args(Labels), required=False)


class FormatFields(Body[Any]):
    format = OneOf(sorted(EXPORTERS))
    container = OneOf(list(CONTAINERS), default="parquet")
    name = serializers.SlugField(
        default="", allow_blank=True, max_length=100, help_text="Of its folder; the format's."
    )
    options = OptionFields(default=dict)


class FreezeFields(Body[Any]):
    rules = ObjectField(default=dict, help_text="docs/datasets.md; {} takes people's marks.")
    formats = FormatFields(many=True, default=list)
    notes = serializers.CharField(default="", allow_blank=True, max_length=10_000)


def wanted_of(sent: dict[str, Any]) -> Wanted:
    """Return what valid `FormatFields` ask for."""
    return Wanted(
        format=sent["format"],
        container=sent["container"],
        name=sent["name"],
        options=dict(sent["options"]),
    )


class DatasetShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    url = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    license = serializers.CharField()
    created_at = serializers.DateTimeField()
    versions = serializers.CharField(help_text="Where its versions are listed.")


class VersionShape(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    url = serializers.CharField()
    state = serializers.ChoiceField(choices=Snapshot.State.choices)
    content_hash = serializers.CharField(help_text="SHA-256; empty until the marks are written.")
    notes = serializers.CharField()
    run = serializers.CharField(allow_null=True, help_text="Of what freezes it.")
    created_at = serializers.DateTimeField()
    frozen_at = serializers.DateTimeField(allow_null=True)


class FileShape(serializers.Serializer[Any]):
    path = serializers.CharField()
    url = serializers.CharField(help_text="Takes Range; its ETag is the SHA-256.")
    kind = serializers.ChoiceField(choices=SnapshotFile.Kind.choices)
    split = serializers.CharField()
    rows = serializers.IntegerField()
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = serializers.CharField()


class WholeVersionShape(VersionShape):
    rules = ObjectField()
    manifest = ObjectField(help_text="Counts and what was left out; docs/datasets.md.")
    files = FileShape(many=True)
