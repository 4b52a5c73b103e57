"""The least that views can do: nothing at all, and for a queue who asks, one claim, one insert."""

import json

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request

from annotation.models import Annotation
from labelers.models import Labeler
from web.models import User
from web.tokens import TokenAuthentication

_CLAIM = """
UPDATE annotation_assignment SET state = 'leased'
WHERE id = (
    SELECT slot.id FROM annotation_assignment AS slot
    WHERE slot.project_id = (SELECT id FROM annotation_project WHERE slug = %s)
        AND NOT slot.is_named AND slot.state = 'open' AND slot.reopened IS NULL
    ORDER BY slot.priority * -1.0, slot.id
    FOR UPDATE SKIP LOCKED LIMIT 1
)
RETURNING id, project_id, solution_id
"""


def _user(request: HttpRequest) -> User:
    pair = TokenAuthentication().authenticate(Request(request))  # type: ignore[no-untyped-call] # knox has no types
    assert pair is not None
    user: User = pair[0]
    return user


def empty(request: HttpRequest) -> HttpResponse:
    """An empty answer, behind the same middleware and login as any page."""
    return HttpResponse()


@csrf_exempt
@login_not_required
def claim(request: HttpRequest, slug: str) -> HttpResponse:
    _user(request)
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [slug])
        slot, project, solution = cursor.fetchone()
    return JsonResponse({"assignment": {"id": slot, "project": project, "solution": solution}})


@csrf_exempt
@login_not_required
def keep(request: HttpRequest) -> HttpResponse:
    """Keep the marks in one row, as they came."""
    labeler = Labeler.objects.get(user=_user(request))
    sent = json.loads(request.body)
    slot = sent["assignment"]
    kept = Annotation.objects.create(
        labeler=labeler,
        project_id=slot["project"],
        solution_id=slot["solution"],
        evidence=sent["draft"],
    )
    return JsonResponse({"annotation": kept.pk})
