"""Sampling over REST: a POST has an engine draw solutions of a project's problems."""

from typing import Any

from django.db import transaction
from django.urls import reverse
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import run_kinds, sampling
from annotation.api_runs import ManagedView, run_json
from annotation.run_control import check_active
from annotation.run_pace import NotNow
from annotation.steps import SPLITTERS
from labelers.engines import ENGINES
from labelers.engines.base import Decoding
from labelers.prompts import PROMPTS
from web.api_bodies import Body

MOST_SOLUTIONS = 10_000
"""A problem, in one request."""


class DecodingFields(Body[dict[str, Any]]):
    temperature = serializers.FloatField(min_value=0, required=False)
    top_p = serializers.FloatField(min_value=0, max_value=1, required=False)
    max_tokens = serializers.IntegerField(min_value=1, max_value=1_000_000, required=False)
    stop = serializers.ListField(
        child=serializers.CharField(max_length=100, trim_whitespace=False),
        max_length=16,
        required=False,
    )


class SamplingFields(Body[dict[str, Any]]):
    engine = serializers.ChoiceField(choices=sorted(ENGINES))
    engine_config = serializers.DictField(default=dict)
    prompt = serializers.ChoiceField(choices=sorted(PROMPTS), default="zero_shot_cot")
    decoding = DecodingFields(default=dict)
    solutions_a_problem = serializers.IntegerField(min_value=1, max_value=MOST_SOLUTIONS, default=4)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)
    splitter = serializers.ChoiceField(choices=["", *sorted(SPLITTERS)], default="")


class SamplingView(ManagedView):
    def check_may_post(self) -> None:
        super().check_may_post()
        if not self.user.is_superuser:
            raise PermissionDenied

    def post(self, request: Request, slug: str) -> Response:
        """Have an engine draw solutions: 202, and a run to follow. The same again is the same run.

        For superusers: engines' requests leave from the site's own workers and carry its key.
        """
        self.check_may_post()
        project = self.project(slug)
        sent = self.sent(SamplingFields)
        decoding = dict(sent.pop("decoding"))
        decoding["stop"] = tuple(decoding.get("stop", ()))
        try:
            check_active(project)
            wanted = sampling.SamplingRequest(**sent, decoding=Decoding(**decoding))
            run = sampling.request(project=project, wanted=wanted, user=self.user)
        except NotNow as error:
            return self.refused(error)
        except ValueError as error:
            raise ValidationError(str(error)) from None
        transaction.on_commit(run_kinds.ring)
        address = reverse("api_run", args=[slug, run.pk])
        return Response(
            run_json(run), status=status.HTTP_202_ACCEPTED, headers={"Location": address}
        )
