"""The page of one's own past work."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from annotation.work import Done, WorkFilter, work_page
from web.pages import Page, patience, refuse_unknown
from web.views import UserRequest


@require_safe
def work(request: UserRequest) -> HttpResponse:
    form = WorkFilter(request.GET, request.user)
    refuse_unknown(request.GET, form.fields)
    asked = form.asked()
    page: Page[Done] = Page(rows=[], first=None, previous=None, next=None)
    if asked is not None:
        with patience():
            page = work_page(asked, request.user, request.GET)
    return render(request, "annotation/work.html", {"form": form, "page": page})
