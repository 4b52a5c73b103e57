"""The doors for people: a project's members, and the link that invites to it."""

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import members
from annotation.members_forms import DUTIES, NAMES, InviteForm, RoleForm, SignUpForm, roles
from annotation.models import Invitation, Membership, Project
from annotation.views import managed_project
from web import once
from web.locale import activate_for
from web.login import user_by_password
from web.models import User
from web.views import UserRequest


def found_member(request: UserRequest, slug: str, membership_id: int) -> Membership:
    rows = Membership.objects.select_related("user", "project")
    return get_object_or_404(rows, project=managed_project(request, slug), pk=membership_id)


@never_cache
@require_safe
def members_page(request: UserRequest, slug: str) -> HttpResponse:
    return show_members(request, managed_project(request, slug), InviteForm())


def show_members(request: UserRequest, project: Project, form: InviteForm) -> HttpResponse:
    """Show the members, and the link of an invitation that was made just now."""
    secret = once.secret_for(request)
    invitations = Invitation.objects.open().filter(project=project).select_related("created_by")
    rows = [(member, NAMES[member.role]) for member in members.list_members(project)]
    context = {
        "project": project,
        "members": rows,
        "roles": [(role, name, DUTIES[role]) for role, name in roles()],
        "invitations": [(row, NAMES[row.role]) for row in invitations.order_by("-pk")],
        "form": form,
        "link": request.build_absolute_uri(reverse("join", args=[secret])) if secret else "",
    }
    return once.forget(request, render(request, "annotation/members.html", context))


@require_POST
def change_role(request: UserRequest, slug: str, membership_id: int) -> HttpResponse:
    member = found_member(request, slug, membership_id)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("There is no such role."))
        return redirect("members", slug)
    try:
        members.change_role(membership=member, role=form.cleaned_data["role"])
    except members.IsProgram:
        messages.error(request, _("A program only marks: its tokens say what it may do."))
        return redirect("members", slug)
    except members.LastManager:
        return refuse_last_manager(request, slug)
    said = _("%(name)s is now %(role)s.") % {
        "name": member.user.get_username(),
        "role": NAMES[form.cleaned_data["role"]],
    }
    messages.success(request, said)
    return redirect("members", slug)


@require_POST
def end_membership(request: UserRequest, slug: str, membership_id: int) -> HttpResponse:
    member = found_member(request, slug, membership_id)
    try:
        members.end(membership=member)
    except members.LastManager:
        return refuse_last_manager(request, slug)
    said = _("%s takes no part any more; their marks are kept.") % member.user.get_username()
    messages.success(request, said)
    # Whoever has ended their own part may not see the project's members any more.
    return redirect("projects") if member.user == request.user else redirect("members", slug)


def refuse_last_manager(request: UserRequest, slug: str) -> HttpResponse:
    messages.error(request, _("This is the last manager; make somebody else one first."))
    return redirect("members", slug)


@require_POST
def restore_membership(request: UserRequest, slug: str, membership_id: int) -> HttpResponse:
    member = found_member(request, slug, membership_id)
    members.restore(membership=member)
    messages.success(request, _("%s takes part again.") % member.user.get_username())
    return redirect("members", slug)


@require_POST
def invite(request: UserRequest, slug: str) -> HttpResponse:
    project = managed_project(request, slug)
    form = InviteForm(request.POST)
    if not form.is_valid():
        return show_members(request, project, form)
    _invitation, secret = members.invite(project=project, user=request.user, **form.cleaned_data)
    return once.redirect_with(secret, reverse("members", args=[slug]))


@require_POST
def revoke_invitation(request: UserRequest, slug: str, invitation_id: int) -> HttpResponse:
    project = managed_project(request, slug)
    invitation = get_object_or_404(Invitation, project=project, pk=invitation_id)
    if members.revoke(invitation=invitation):
        messages.success(request, _("The invitation is revoked; its link opens nothing."))
    else:
        messages.error(request, _("The invitation was not open any more."))
    return redirect("members", slug)


@sensitive_post_parameters()
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, secret: str) -> HttpResponse:
    activate_for(request.user)
    invitations = Invitation.objects.select_related("project", "created_by")
    found = get_object_or_404(invitations, secret_digest=members.digest_of(secret))
    if not Invitation.objects.open().filter(pk=found.pk).exists():
        response = late(request, found)
    elif request.method == "POST":
        response = enter(request, found, secret)
    else:
        response = show_invitation(request, found, SignUpForm())
    # The address is a key: no page is told it. With no-referrer, browsers would send our own form
    # as from nowhere ("Origin: null"), and Django would refuse it.
    response["Referrer-Policy"] = "strict-origin"
    return response


def show_invitation(request: HttpRequest, invitation: Invitation, form: SignUpForm) -> HttpResponse:
    context = {
        "invitation": invitation,
        "project": invitation.project,
        "role": NAMES[invitation.role],
        "duty": DUTIES[invitation.role],
        "form": form,
    }
    return render(request, "annotation/join.html", context)


def enter(request: HttpRequest, invitation: Invitation, secret: str) -> HttpResponse:
    """Accept, for a user as they are, for others with an account made here and now."""
    form = SignUpForm(request.POST)
    is_user = isinstance(request.user, User)
    if not is_user and not form.is_valid():
        return show_invitation(request, invitation, form)
    try:
        # Without the invitation there is no account either.
        with transaction.atomic():
            user = request.user if isinstance(request.user, User) else form.save()
            members.accept(secret=secret, user=user)
    except members.NotOpen:
        return late(request, invitation)
    except IntegrityError:
        # The name was taken since the form looked: by the same form sent twice, or by another.
        again = SignUpForm(request.POST)
        if is_user or again.is_valid():
            raise
        if not Invitation.objects.open().filter(pk=invitation.pk).exists():
            return late(request, invitation)
        return show_invitation(request, invitation, again)
    if not is_user:
        login(request, user)
    return redirect("project", invitation.project.slug)


def late(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    """Answer where the invitation is closed: whoever sends a form twice came in by the first."""
    invitation.refresh_from_db()
    person = invitation.accepted_by
    if request.method != "POST" or person is None:
        return say_closed(request, invitation)
    if person != request.user:
        # Whoever is logged in stays who they are.
        sent = request.POST if request.user.is_anonymous else {}
        name, password = person.get_username(), sent.get("password1", "")
        if sent.get("username") != name or not user_by_password(
            request, name=name, password=password
        ):
            return say_closed(request, invitation)
        login(request, person)
    return redirect("project", invitation.project.slug)


def say_closed(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    if invitation.accepted_at:
        reason = _("This invitation has been used: a link lets in one person, once.")
    elif invitation.revoked_at is None and invitation.expires_at <= timezone.now():
        reason = _("The time of this invitation is over.")
    else:
        reason = _("This invitation has been revoked.")
    context = {"reason": reason, "is_theirs": invitation.accepted_by == request.user}
    return render(request, "annotation/join_closed.html", context, status=410)
