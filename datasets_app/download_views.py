"""The files of versions, for people who are logged in."""

from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from datasets_app import downloads
from datasets_app.snapshot_views import found_snapshot
from datasets_app.views import read_project
from web.views import UserRequest


@require_safe
def file(request: UserRequest, slug: str, name: str, version: int, path: str) -> HttpResponseBase:
    snapshot = found_snapshot(request, read_project(request, slug), name, version)
    return downloads.answer(request, downloads.found_file(snapshot, path))
