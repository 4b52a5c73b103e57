"""Practice for newcomers: the labelling page with exercises. Nothing here is kept but its end."""

import json
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST
from rest_framework.exceptions import ValidationError

from annotation import practice
from annotation.api_fields import DraftFields
from annotation.drafts import Draft
from annotation.label_page import page_context
from annotation.label_views import project_to_label
from annotation.models import Project
from web.views import UserRequest


def found_exercise(project: Project, number: int) -> tuple[practice.Exercise, int]:
    """Return the exercise with this number, from 1, and how many there are."""
    exercises = practice.exercises(project)
    if not 1 <= number <= len(exercises):
        raise Http404
    return exercises[number - 1], len(exercises)


@require_GET
@never_cache
@ensure_csrf_cookie
def exercise(request: UserRequest, slug: str, number: int = 1) -> HttpResponse:
    """Show one exercise on a page that looks and answers to keys as the labelling page does."""
    project = project_to_label(request, slug)
    shown, total = found_exercise(project, number)
    context: dict[str, Any] = page_context(request.user, project)
    context |= {"exercise": shown, "number": number, "total": total, "steps": shown.steps}
    context |= {"draft": Draft().as_json(), "problem": shown}
    return render(request, "annotation/label/practice.html", context)


@require_POST
def check(request: UserRequest, slug: str, number: int) -> HttpResponse:
    """Say of each step what was expected. After the last exercise the practice is done."""
    project = project_to_label(request, slug)
    shown, total = found_exercise(project, number)
    given = practice.feedback(project, shown, sent_marks(request))
    is_last = number == total
    if is_last:
        practice.finish(request.user, project)
    context = {
        "project": project,
        "feedback": given,
        "agreed": sum(one.agrees for one in given),
        "is_last": is_last,
        "next": number + 1,
    }
    return render(request, "annotation/label/_feedback.html", context)


def sent_marks(request: UserRequest) -> dict[int, Any]:
    try:
        fields = DraftFields(data=json.loads(request.body))
        fields.is_valid(raise_exception=True)
    except (ValueError, RecursionError, ValidationError):
        raise BadRequest(_("These are no marks.")) from None
    draft: Draft = fields.validated_data
    return dict(draft.marks)
