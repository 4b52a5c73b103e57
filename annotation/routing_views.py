"""The door to a project's policy: rule by rule in words, tried out before it is saved."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from annotation import changes, route, run_control, run_kinds
from annotation.models import Project
from annotation.policy import Policy
from annotation.policy_editor import PolicyEditor, seen_now
from annotation.policy_page import accept_rows, candidates, people_rows
from annotation.policy_words import in_words, ways
from annotation.views import managed_project
from web.bars import bar
from web.views import UserRequest

PREVIEWED = 5_000
"""Solutions that a preview on the page looks at: more would keep its reader waiting."""


@require_http_methods(["GET", "HEAD", "POST"])
def routing(request: UserRequest, slug: str) -> HttpResponse:
    project = managed_project(request, slug)
    if project.mode != Project.Mode.REVIEW:
        return render(request, "annotation/routing.html", {"project": project})
    asked = (request.POST.get("do") or "preview") if request.method == "POST" else ""
    editor = PolicyEditor(project, request.POST if asked else None)
    policy = editor.do(asked) if asked else None
    context: dict[str, object] = {"project": project, "editor": editor}
    if asked == "without" or (asked == "save" and policy and may_save(request, editor, policy)):
        if save(project, seen=editor.seen, policy=None if asked == "without" else policy):
            messages.success(request, _("Saved. Every solution is looked at again."))
            return redirect("routing", slug)
        editor.see_again()
        context["theirs"] = in_words(editor.saved, _)
    found = None
    if policy is not None:
        found = route.preview(project=project, policy=policy, at_most=PREVIEWED)
        context["preview"] = previewed(found, policy, editor.saved)
    if asked != "count":  # the script, which leaves that part of the page alone
        context["candidates"] = candidates(editor, request.user)
    context["accept"], context["people"] = accept_rows(editor, found), people_rows(editor, found)
    return render(request, "annotation/routing.html", context)


def may_save(request: UserRequest, editor: PolicyEditor, policy: Policy) -> bool:
    """Whether the user may save what was typed; else say beside it why not."""
    known = editor.saved.first
    if unpaid := run_control.not_payable(request.user, policy.first, known=known):
        said = _("Only a superuser may have this asked of an engine: %(labelers)s.")
        editor.rest.add_error("first", said % {"labelers": ", ".join(unpaid)})
        return False
    return editor.may_save()


def previewed(found: route.Preview, policy: Policy, saved: Policy) -> dict[str, object]:
    """Return what a policy would make of the project's solutions, and its rules in words."""
    named = ways(_)
    return {
        "is_saved": policy == saved,
        "words": in_words(policy, _),
        "bar": bar((way, words, n) for way, words in named.items() if (n := found.on(way))),
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
    if policy is None:
        run_kinds.begin(run)
    else:
        run_kinds.ring()
    return True
