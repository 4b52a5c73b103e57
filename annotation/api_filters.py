"""What clients may narrow each set to. Nothing else reaches a query."""

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet

from annotation.models import Annotation, Run, Step
from labelers.models import Labeler
from web.api_filters import FlagFilter, IdFilter, OneOfFilter


class ProblemFilters(django_filters.FilterSet):
    external_id = django_filters.CharFilter()
    source = django_filters.CharFilter()
    split = django_filters.CharFilter()
    subject = django_filters.CharFilter()
    level = django_filters.CharFilter()


class SolutionFilters(django_filters.FilterSet):
    problem = IdFilter()
    model = django_filters.CharFilter()
    run = IdFilter()
    generation = IdFilter(largest=32_767)
    is_correct = FlagFilter(nullable=True)


class StepFilters(django_filters.FilterSet):
    solution = IdFilter()
    writer = OneOfFilter(values=Step.Writer.values)
    own = FlagFilter(method="only_own")

    def only_own(self, steps: QuerySet[Step], name: str, value: str) -> QuerySet[Step]:
        return steps.filter(alternative=0) if value == "true" else steps.filter(alternative__gt=0)


class AnnotationFilters(django_filters.FilterSet):
    solution = IdFilter()
    labeler = django_filters.UUIDFilter(method="by_labeler")
    labeler_kind = OneOfFilter("labeler__kind", values=Labeler.Kind.values)
    finish_reason = OneOfFilter(values=Annotation.FinishReason.values)
    generation = IdFilter(largest=32_767)
    is_surplus = FlagFilter()

    def by_labeler(self, marks: QuerySet[Annotation], name: str, value: UUID) -> Any:
        # Found first: the planner knows how many one labeler has.
        found = Labeler.objects.filter(uuid=value).values_list("pk", flat=True).first()
        return marks.none() if found is None else marks.filter(labeler_id=found)


class VerdictFilters(django_filters.FilterSet):
    solution = IdFilter()
    rating = OneOfFilter(values=["-1", "0", "1"])


class LabelerFilters(django_filters.FilterSet):
    kind = OneOfFilter(values=Labeler.Kind.values)
    current = FlagFilter(method="only_current")

    def only_current(self, labelers: QuerySet[Labeler], name: str, value: str) -> QuerySet[Labeler]:
        return labelers.filter(retired_at__isnull=value == "true")


class RunFilters(django_filters.FilterSet):
    kind = OneOfFilter(values=Run.Kind.values)
    state = OneOfFilter(values=Run.State.values)
