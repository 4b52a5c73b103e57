"""What the doors of the queue and of runs take and answer, for the API's schema."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)
from rest_framework.views import APIView

from annotation import api, api_answers, api_fields, api_runs
from web.api_schema import Error

KEY = OpenApiParameter(
    api.KEY,
    OpenApiTypes.UUID,
    OpenApiParameter.HEADER,
    description="Sent again under the same key, a request is done once.",
)
NOT_NOW = OpenApiResponse(Error, "Not in a state for it: `code` and `detail` say why.")


def door(
    view: type[APIView], method: str, request: Any, answer: Any, *, status: int = 200, **more: Any
) -> None:
    """Say that `method` of `view` takes `request` and answers `answer`, or 409."""
    keys = [KEY] if issubclass(view, api.QueueView) and method != "get" else []
    operation = extend_schema(
        request=request, responses={status: answer, 409: NOT_NOW}, parameters=keys, **more
    )
    extend_schema_view(**{method: operation})(view)


def describe() -> None:
    """Describe them all, once."""
    answers, fields = api_answers, api_fields
    door(api.NextView, "post", fields.NextFields, answers.NextAnswer)
    door(api.ReviewView, "post", fields.NextFields, answers.NextAnswer)
    door(api.DraftView, "put", fields.SaveFields, answers.DraftAnswer)
    door(api.SubmitView, "post", fields.SubmitFields, answers.SubmitAnswer)
    door(api.SkipView, "post", None, OpenApiTypes.OBJECT)
    door(api.ReleaseView, "post", None, OpenApiTypes.OBJECT)
    door(api.ExtendView, "post", None, answers.ExtendAnswer)
    door(api.UndoView, "post", None, answers.OpenedAnswer)
    door(api.CorrectView, "post", None, answers.OpenedAnswer)
    door(api.CandidatesView, "get", None, answers.CandidatesAnswer)
    door(api.CandidatesView, "post", None, answers.CandidatesAnswer)
    door(api.ChooseView, "post", fields.ChooseFields, answers.ChooseAnswer)
    door(api_runs.RunsView, "post", api_runs.StartFields, answers.RunShape, status=202)
    door(api_runs.RunView, "get", None, answers.RunShape)
    for view in (api_runs.PauseView, api_runs.CancelView, api_runs.RetryView):
        door(view, "post", None, answers.RunShape)
    door(api_runs.ResumeView, "post", api_runs.BudgetFields, answers.RunShape)
