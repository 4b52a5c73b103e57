"""What the labelling page shows: the work on one slot, or why there is none."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from annotation import explore_page
from annotation.anchoring import suggestions
from annotation.drafts import Draft
from annotation.home import today
from annotation.leases import AHEAD
from annotation.models import Lease, Membership, Project
from annotation.showing import alternatives, own_steps, stated_answer, waiting_json
from labelers.models import Labeler
from web.keys import keys_of
from web.models import User

KEY_SIGNS = {"Enter": "⏎", "ArrowUp": "↑", "ArrowDown": "↓"}
ANY_SLOT = 0
"""Stands in an address for the id of a slot, which the page puts there."""


def work_context(lease: Lease, user: User) -> dict[str, Any]:
    """Return what the page shows of the slot of `lease`, which is the caller's own."""
    project, solution = lease.project, lease.solution
    is_review = project.mode == Project.Mode.REVIEW
    steps = own_steps(lease) if is_review else []
    return {
        "project": project,
        "lease": lease,
        "problem": solution.problem,
        "steps": steps,
        "stated": stated_answer(solution, steps) if is_review else None,
        "suggestions": suggestions(lease) if is_review else {},
        "alternatives": alternatives(lease) if is_review and project.ask_alternatives else [],
        "building": None if is_review else explore_page.building_context(lease),
        "draft": Draft.from_json(lease.draft).as_json(),
        "keys": shown_keys(user),
    }


def waiting_context(
    user: User, labeler: Labeler, project: Project, *, for_review: bool = False
) -> dict[str, Any]:
    """Return what the page says where there is nothing to mark."""
    return {
        "project": project,
        "waiting": waiting_json(labeler, project, for_review=for_review),
        "may_manage": Project.objects.managed_by(user).contains(project),
        "problems": project.problems.exists(),
    }


def page_context(user: User, project: Project, *, for_review: bool = False) -> dict[str, Any]:
    """Return what stands around the work: the header, and what the page's modules must know."""
    done = today(user)
    is_explore = project.mode == Project.Mode.EXPLORE
    return {
        "project": project,
        "for_review": for_review,
        "keys": shown_keys(user),
        "today": done.solutions if done else 0,
        "config": {
            "user": user.pk,
            "project": project.slug,
            "urls": addresses(project, for_review=for_review),
            "keys": keys_of(user),
            "idle_ms": project.idle_minutes * 60_000,
            "lease_ms": project.lease_minutes * 60_000,
            "ahead_ms": int(AHEAD.total_seconds() * 1000),
            "texts": texts() | (explore_page.texts() if is_explore else {}),
        },
    }


def addresses(project: Project, *, for_review: bool = False) -> dict[str, str]:
    slug = project.slug
    slot = [slug, ANY_SLOT]
    return {
        "page": reverse("label_review" if for_review else "label", args=[slug]),
        "assignment": reverse("label_assignment", args=slot),
        "candidates": reverse("label_candidates", args=slot),
        "ask": reverse("api_candidates", args=slot),
        "guidelines": reverse("label_guidelines", args=[slug]),
        "login": reverse("login"),
        "next": reverse("api_review" if for_review else "api_next", args=[slug]),
        "undo": reverse("api_undo", args=[slug]),
        **{
            name: reverse(f"api_{name}", args=slot)
            for name in ("draft", "choose", "submit", "skip", "release", "extend")
        },
    }


def shown_keys(user: User) -> dict[str, str]:
    """Return the first key of each action as it is printed on the page."""
    return {
        action: KEY_SIGNS.get(keys[0], keys[0]) if keys else ""
        for action, keys in keys_of(user).items()
    }


def offers_practice(user: User, project: Project) -> bool:
    """Whether `user` is a member who has not been through the practice yet."""
    memberships = Membership.objects.active().filter(user=user, project=project)
    return memberships.filter(practised_at=None).exists()


def is_prefetch(request: HttpRequest) -> bool:
    """Whether the browser only guesses that somebody may come here."""
    purpose = request.headers.get("Sec-Purpose") or request.headers.get("Purpose") or ""
    return "prefetch" in purpose or "prerender" in purpose


def texts() -> dict[str, str]:
    """Return what the page's modules say, in the user's language.

    Beside a text with {count}, the one named "…_one" is said where that is 1.
    """
    return {
        "saved": _("Saved"),
        "saving": _("Saving…"),
        "offline": _("Offline, kept here"),
        "offline_unkept": _("Offline: keep this tab open"),
        "queued": _("Offline: will be submitted when you are back"),
        "out": _("Logged out, kept here"),
        "gone": _("Not saved, kept here"),
        "stale": _("Changed elsewhere"),
        "submitting": _("Submitting…"),
        "refused": _("Not saved"),
        "great": _("Great"),
        "okay": _("Okay"),
        "bad": _("Bad"),
        "unsure": _("Unsure"),
        "marked": _("Step {number}: {mark}."),
        "closed": _("The steps after it are not labelled."),
        "all_marked": _("All steps are marked. Submit when you are ready."),
        "unmarked": _("Step {number} is not marked yet."),
        "rest_great": _("All other steps are marked Great."),
        "next": _("Submitted. Next solution: {count} steps."),
        "next_one": _("Submitted. Next solution: 1 step."),
        "skipped": _("Skipped. Next solution: {count} steps."),
        "skipped_one": _("Skipped. Next solution: 1 step."),
        "shown": _("Solution with {count} steps."),
        "shown_one": _("Solution with 1 step."),
        "undone": _("Your last submission is open again."),
        "not_now": _("That did not reach the server. Try again in a moment."),
        "stale_notice": _(
            "This solution was changed in another tab or on another device since. "
            "What you mark here is not saved."
        ),
        "load_newer": _("Load the newer one"),
        "out_notice": _(
            "You are logged out, or somebody else is logged in. Nothing is lost: what you marked "
            "is kept in this browser and is saved once you have logged in again."
        ),
        "gone_notice": _(
            "Your part in this project may have ended, or the solution was taken away. "
            "Your marks are kept here."
        ),
        "log_in": _("Log in in a new tab"),
        "submitted_notice": _("This solution was submitted in another tab."),
        "go_on": _("Go on"),
        "surplus": _(
            "You no longer hold this solution: it was given back, or somebody else has taken it. "
            "You can finish it: your work is kept, but it may not count for this slot."
        ),
        "ended": _(
            "You no longer hold this solution. Go on: your work is kept, and it counts unless "
            "somebody else takes the solution first."
        ),
        "swapped": _("The solution shown was no longer free. Here is another."),
        "guidelines_lost": _("The guidelines could not be loaded."),
        "reason_missing": _("Say what is wrong with the problem."),
        "today": _("{count} today"),
    }
