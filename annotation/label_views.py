"""The labelling page: it claims the best slot and shows the work on it.

Marks travel over the JSON doors of the queue (`annotation.api`); these views only show.
"""

from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST

from annotation import leases, showing
from annotation.explore_page import building_context
from annotation.guidelines import guidelines_of
from annotation.label_page import (
    is_prefetch,
    offers_practice,
    page_context,
    shown_keys,
    waiting_context,
    work_context,
)
from annotation.models import Annotation, Lease, Project
from annotation.models.work import NotOpen
from annotation.programs import claim_work
from annotation.reviewing import claim_review
from labelers.registration import labeler_of
from web import errors, markdown
from web.views import UserRequest


def project_to_label(request: UserRequest, slug: str) -> Project:
    """Return a project that the caller may label in: 404 when unseen, 403 when only read."""
    project = Project.objects.labelled_by(request.user).filter(slug=slug).first()
    if project is None:
        get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
        raise PermissionDenied
    return project


def project_to_review(request: UserRequest, slug: str) -> Project:
    """Return a project in which the caller may decide what people left open: 403 when not."""
    project = project_to_label(request, slug)
    if not Project.objects.reviewed_by(request.user).contains(project):
        raise PermissionDenied
    return project


def open_lease(request: UserRequest, project: Project, assignment_id: str | int) -> Lease | None:
    """Return what the caller holds of a slot, or has claimed ahead, if anything."""
    if not str(assignment_id).isascii() or not str(assignment_id).isdigit():
        return None
    mine = Lease.objects.open().filter(project=project, labeler__user=request.user)
    found = mine.filter(assignment=int(str(assignment_id)[:18]))
    return found.select_related("project", "solution__problem").order_by("-pk").first()


def shown_lease(request: UserRequest, project: Project, assignment_id: str) -> Lease | None:
    """Return what the caller holds of a slot: begun if it was claimed ahead, else extended."""
    lease = open_lease(request, project, assignment_id)
    if lease is None:
        return None
    if not lease.is_ahead:
        return lease if leases.extend(lease) else None
    try:
        return leases.begin(lease)
    except NotOpen:  # its two minutes were over just now
        return None


def unfinished_lease(request: UserRequest, project: Project, assignment_id: int) -> Lease | None:
    """Return the caller's newest lease on a slot; one that has ended, too: late work goes on."""
    mine = Lease.objects.filter(project=project, labeler__user=request.user)
    on_slot = mine.filter(assignment=assignment_id).exclude(outcome=Lease.Outcome.SUBMITTED)
    return on_slot.select_related("project", "solution").order_by("-pk").first()


def not_theirs(request: UserRequest) -> HttpResponse:
    return errors.answer(
        request,
        404,
        code="not_found",
        title=_("Not found"),
        detail=_("You do not hold this solution."),
    )


# Not HEAD: asking whether the page is there must claim nothing.
@require_GET
@never_cache
@ensure_csrf_cookie
def label(request: UserRequest, slug: str) -> HttpResponse:
    """Show what the caller holds, or claim the best slot; `?assignment=` shows a certain one."""
    return work_page(request, project_to_label(request, slug), "label")


@require_GET
@never_cache
@ensure_csrf_cookie
def review(request: UserRequest, slug: str) -> HttpResponse:
    """Show what waits for a reviewer, as `label` shows what waits for anybody."""
    return work_page(request, project_to_review(request, slug), "label_review")


def work_page(request: UserRequest, project: Project, page: str) -> HttpResponse:
    """Show the work of one of a project's two queues, whose page is named."""
    if is_prefetch(request):
        return HttpResponse(status=503)
    labeler, for_review = labeler_of(request.user), page == "label_review"
    context = page_context(request.user, project, for_review=for_review)
    context["offers_practice"] = offers_practice(request.user, project)
    asked = request.GET.get("assignment")
    if asked is not None:
        lease = shown_lease(request, project, asked)
        if lease is None:
            messages.warning(
                request,
                _("You do not hold the solution you asked for. Here is what waits for you."),
            )
            return HttpResponseRedirect(reverse(page, args=[project.slug]))
    else:
        claim = claim_review if for_review else claim_work
        lease = claim(labeler=labeler, project=project)
    if lease is None:
        context |= waiting_context(request.user, labeler, project, for_review=for_review)
    else:
        context |= work_context(lease, request.user)
    return render(request, "annotation/label/page.html", context)


@require_GET
@never_cache
def assignment(request: UserRequest, slug: str, assignment_id: int) -> HttpResponse:
    """Return the piece of the page that shows a slot which the caller has, for the page itself."""
    project = project_to_label(request, slug)
    lease = open_lease(request, project, assignment_id)
    if lease is None:
        return not_theirs(request)
    return render(request, "annotation/label/_work.html", work_context(lease, request.user))


@require_GET
@never_cache
def candidates(request: UserRequest, slug: str, assignment_id: int) -> HttpResponse:
    """Return the piece of the page that shows the path so far and what may come next."""
    project = project_to_label(request, slug)
    lease = unfinished_lease(request, project, assignment_id)
    if lease is None or project.mode != Project.Mode.EXPLORE:
        return not_theirs(request)
    context = {
        "building": building_context(lease),
        "lease": lease,
        "keys": shown_keys(request.user),
    }
    return render(request, "annotation/label/_building.html", context)


@require_GET
@never_cache
def explanations(request: UserRequest, slug: str, assignment_id: int) -> HttpResponse:
    """Return what models wrote of the steps that the caller has saved as Bad, for the page."""
    project = project_to_label(request, slug)
    lease = unfinished_lease(request, project, assignment_id)
    if lease is None:
        return not_theirs(request)
    context = {"explanations": showing.explanations(lease)}
    return render(request, "annotation/label/_explanations.html", context)


@require_POST
def correct(request: UserRequest, slug: str, annotation_id: int) -> HttpResponse:
    """Open the caller's own annotation again and show it."""
    project = project_to_label(request, slug)
    mine = Annotation.objects.filter(project=project, labeler__user=request.user)
    annotation = get_object_or_404(mine.select_related("project", "lease"), pk=annotation_id)
    try:
        lease = leases.correct(annotation)
    except NotOpen:
        return errors.answer(
            request,
            409,
            code="closed",
            title=_("Closed"),
            detail=_("This work can no longer be corrected."),
        )
    address = reverse("label", args=[slug])
    return HttpResponseRedirect(f"{address}?{urlencode({'assignment': lease.assignment_id})}")


@require_GET
@never_cache
def guidelines(request: UserRequest, slug: str) -> HttpResponse:
    """Return the project's guidelines as a piece of a page, for the panel."""
    project = project_to_label(request, slug)
    html = markdown.render(guidelines_of(project))
    return render(request, "annotation/label/_guidelines.html", {"html": html})
