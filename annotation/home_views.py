"""The first page after logging in."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from annotation import home as first_page
from annotation.models import Run
from web.views import UserRequest

NEWEST_RUNS = 10


@require_safe
def home(request: UserRequest) -> HttpResponse:
    user = request.user
    runs = Run.objects.visible_to(user).unfinished().select_related("project").order_by("-pk")
    return render(
        request,
        "annotation/home.html",
        {
            "mine": first_page.my_projects(user),
            "today": first_page.today(user),
            "runs": runs[:NEWEST_RUNS],
        },
    )
