"""Held-out sets over REST: what there is, another one by upload, and one that is wanted no more."""

from collections.abc import Sequence
from typing import Any

from django.db.models import F, Func, IntegerField, QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from datasets_app import held_out
from datasets_app.api import DatasetsDoor
from datasets_app.api_imports import refuse_larger
from datasets_app.dataset_forms import HELD_OUT_BYTES, HeldOutForm
from datasets_app.importers import AUTO, importers_of
from datasets_app.models import HeldOut
from datasets_app.records import ProblemRecord
from web.api_bodies import Body
from web.api_pages import KeysetPagination, check_parameters


class HeldOutFields(Body[Any]):
    file = serializers.FileField(
        allow_empty_file=False, help_text="Problems as JSON lines, .gz or .zst too."
    )
    name = serializers.CharField(
        default="", allow_blank=True, max_length=200, help_text="The file's own unless given."
    )
    format = serializers.ChoiceField(
        choices=[AUTO, *sorted(importers_of(ProblemRecord))], default=AUTO
    )


class HeldOutShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    url = serializers.CharField()
    name = serializers.CharField(help_text="What the rule `held_out` calls it.")
    problems = serializers.IntegerField()
    sha256 = serializers.CharField(help_text="Of the problems, as manifests have it.")
    created_at = serializers.DateTimeField()


class InUse(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "not_now"


class HeldOutDoor(DatasetsDoor):
    def sets(self) -> QuerySet[HeldOut]:
        """Those of the project, without their texts but with their number."""
        length = Func(F("texts"), function="jsonb_array_length", output_field=IntegerField())
        rows = HeldOut.objects.filter(project=self.project).defer("texts")
        return rows.annotate(problems=length)

    def shown(self, found: Any) -> dict[str, Any]:
        names = ("name", "problems", "sha256", "created_at")
        url = reverse("api_held_out", args=[self.project.slug, found.pk])
        return {"id": found.pk, "url": url} | {name: getattr(found, name) for name in names}


class HeldOutsView(HeldOutDoor, ListAPIView[HeldOut]):
    queryset = HeldOut.objects.none()
    serializer_class = HeldOutShape
    pagination_class = KeysetPagination
    filter_backends: Sequence[Any] = ()
    parser_classes = (MultiPartParser,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        refuse_larger(request, HELD_OUT_BYTES)
        super().initial(request, *args, **kwargs)

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the sets of problems that versions of the project's datasets may leave out."""
        check_parameters(request, KeysetPagination.parameters)
        paginator = KeysetPagination()
        rows = paginator.paginate_queryset(self.sets(), request, self)
        return paginator.get_paginated_response([self.shown(row) for row in rows])

    @extend_schema(request=HeldOutFields, responses={201: HeldOutShape})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Hold the problems of a file out under a name; the same again changes nothing."""
        project, sent = self.project, self.sent(HeldOutFields)
        form = HeldOutForm(sent, {"file": sent["file"]})
        made = form.keep(project, self.user) if form.is_valid() else None
        if made is None:
            raise ValidationError({name: [*map(str, said)] for name, said in form.errors.items()})
        answer = self.shown(self.sets().get(pk=made.pk))
        return Response(answer, status=status.HTTP_201_CREATED, headers={"Location": answer["url"]})


class HeldOutView(HeldOutDoor):
    @extend_schema(responses=HeldOutShape)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Say how many problems a set has; manifests of versions have its digest."""
        check_parameters(request, ())
        return Response(self.shown(get_object_or_404(self.sets(), pk=kwargs["held_out_id"])))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Hold a set out no more; versions that were frozen with it stay as they are."""
        found = get_object_or_404(self.sets(), pk=kwargs["held_out_id"])
        try:
            held_out.forget(found)
        except held_out.StillNamed:
            raise InUse(_("A version that names it is being frozen.")) from None
        return Response(status=status.HTTP_204_NO_CONTENT)
