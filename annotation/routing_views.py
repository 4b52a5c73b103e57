"""The door to a project's policy: in words, as JSON, tried out before it is saved."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from annotation import changes, route, run_control, run_kinds
from annotation.consensus import policy_of
from annotation.models import Project
from annotation.policy import Policy
from annotation.policy_forms import PolicyForm, seen_now
from annotation.policy_words import in_words, ways
from annotation.views import managed_project
from labelers.models import Labeler
from web.views import UserRequest

PREVIEWED = 5_000
"""Solutions that a preview on the page looks at: more would keep its reader waiting."""


@require_http_methods(["GET", "HEAD", "POST"])
def routing(request: UserRequest, slug: str) -> HttpResponse:
    project = managed_project(request, slug)
    if project.mode != Project.Mode.REVIEW:
        return render(request, "annotation/routing.html", {"project": project})
    policy = policy_of(project)
    form = PolicyForm(request.POST or None, project=project, policy=policy)
    context: dict[str, object] = {"project": project, "form": form}
    if form.is_valid():
        asked: Policy | None = None if "remove" in request.POST else form.cleaned_data["text"]
        if asked is not None and "preview" in request.POST:
            context["preview"] = previewed(project, asked)
        elif unpaid := run_control.not_payable(
            request.user, asked.first if asked else (), known=policy.first
        ):
            said = _("Only a superuser may have this asked of an engine: %(labelers)s.")
            form.add_error(None, said % {"labelers": ", ".join(unpaid)})
        elif save(project, seen=form.cleaned_data["seen"], policy=asked):
            messages.success(request, _("Saved. Every solution is looked at again."))
            return redirect("routing", slug)
        else:
            form.add_error(None, _("Somebody else has saved another policy meanwhile."))
    context["words"] = in_words(policy, _)
    context["labelers"] = Labeler.objects.machines().current().order_by("name")
    return render(request, "annotation/routing.html", context)


def previewed(project: Project, policy: Policy) -> dict[str, object]:
    """Return what `policy` would make of the project's solutions, and its rules in words."""
    found = route.preview(project=project, policy=policy, at_most=PREVIEWED)
    named = ways(_)
    return {
        "words": in_words(policy, _),
        "ways": [(words, n) for way, words in named.items() if (n := found.on(way))],
        "rules": [
            (named[way], rule, n)
            for (way, rule), n in sorted(found.counts.items(), key=lambda one: -one[1])
        ],
        "seen": found.seen,
        "total": found.total,
    }


def save(project: Project, *, seen: str, policy: Policy | None) -> bool:
    """Set the policy; False where it is not the one that was `seen`, by its digest."""
    if seen != seen_now(project):
        return False
    try:
        run = changes.change_policy(project=project, seen=project.routing, policy=policy)
    except changes.ChangedMeanwhile:
        return False
    if run is not None:
        run_kinds.begin(run)
    return True
