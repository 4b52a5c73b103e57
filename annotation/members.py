"""Who takes part in a project: members and their roles, and invitations to become one."""

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from annotation import ending
from annotation.models import Invitation, Membership, Project
from annotation.models.projects import MembershipQuerySet
from labelers.models import Labeler
from labelers.registration import labeler_of
from web.models import User

ROLES = (
    Membership.Role.READER,
    Membership.Role.LABELER,
    Membership.Role.REVIEWER,
    Membership.Role.MANAGER,
)
"""From the least right to the most."""


class LastManager(ValueError):
    """Without this member nobody would manage the project."""


class IsProgram(ValueError):
    """The account of a program is a labeler; what it may do is said by its tokens."""


class NotOpen(ValueError):
    """The invitation was accepted or revoked, or its time is over."""


def list_members(project: Project) -> list[Membership]:
    """Return the members: active ones first, by right and name."""
    members = project.memberships.select_related("user")
    return sorted(
        members,
        key=lambda member: (
            member.ended_at is not None,
            -ROLES.index(Membership.Role(member.role)),
            member.user.get_username().lower(),
        ),
    )


@transaction.atomic
def change_role(*, membership: Membership, role: str) -> Membership:
    """Give a member another role. Who may no longer label gives back what they hold.

    Raises LastManager, and IsProgram for the account of a program.
    """
    member = _lock(membership)
    if member.user.is_service:
        raise IsProgram
    if role != Membership.Role.MANAGER:
        _leave_a_manager(member)
    member.take_role(role)
    if role == Membership.Role.READER:
        _give_back(member)
    elif role == Membership.Role.LABELER:
        _give_back(member, for_review=True)
    return member


@transaction.atomic
def end(*, membership: Membership) -> Membership:
    """End a membership: it opens nothing any more, its marks stay, what it holds is given back.

    Raises LastManager.
    """
    member = _lock(membership)
    _leave_a_manager(member)
    member.end()
    _give_back(member)
    return member


@transaction.atomic
def restore(*, membership: Membership) -> Membership:
    """Let a member whose part has ended take part again, in the role they had."""
    member = _lock(membership)
    member.restore()
    return member


def invite(
    *, project: Project, role: str, note: str, days: int, user: User
) -> tuple[Invitation, str]:
    """Make an invitation by `user`, open for `days`; return it and the secret, kept nowhere."""
    secret = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        project=project,
        role=role,
        note=note,
        secret_digest=digest_of(secret),
        created_by=user,
        expires_at=timezone.now() + timedelta(days=days),
    )
    return invitation, secret


def revoke(*, invitation: Invitation) -> bool:
    """Close an open invitation; False where it was closed already."""
    still_open = Invitation.objects.open().filter(pk=invitation.pk)
    return bool(still_open.update(revoked_at=timezone.now()))


@transaction.atomic
def accept(*, secret: str, user: User) -> Membership:
    """Make `user` a member by an open invitation, which is used up by it.

    An active member keeps a higher role; one whose part had ended comes back in the role of the
    invitation, whatever they were before. Raises NotOpen.
    """
    wanted = Invitation.objects.filter(secret_digest=digest_of(secret))
    # One UPDATE looks and takes, so that of two at once only one finds it open.
    if not wanted.open().update(accepted_by=user, accepted_at=timezone.now()):
        raise NotOpen("this invitation is not open")
    invitation = wanted.select_related("project").get()
    labeler_of(user)
    member, is_new = Membership.objects.select_for_update().get_or_create(
        user=user, project=invitation.project, defaults={"role": invitation.role}
    )
    if not is_new:
        was = ROLES[0] if member.ended_at else Membership.Role(member.role)
        member.take_role(max(was, Membership.Role(invitation.role), key=ROLES.index))
        member.restore()
    return member


def digest_of(secret: str) -> str:
    """Return what is kept of the secret of an invitation."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _managers(project_id: int) -> MembershipQuerySet:
    """Return those who can manage: a deactivated account cannot."""
    return Membership.objects.active().filter(
        project=project_id, role=Membership.Role.MANAGER, user__is_active=True
    )


def _lock(membership: Membership) -> Membership:
    """Return the membership as it is now, locked after its project's managers.

    Locked together, of two managers who end each other only one can.
    """
    list(_managers(membership.project_id).select_for_update(of=("self",)).order_by("pk"))
    locked = Membership.objects.select_for_update(of=("self",)).select_related("user", "project")
    return locked.get(pk=membership.pk)


def _leave_a_manager(member: Membership) -> None:
    """Check that a manager, who is about to be none, is not the last, and close their links.

    Through a link of their own they could come back.
    """
    if member.role != Membership.Role.MANAGER:
        return
    managers = _managers(member.project_id)
    if managers.filter(pk=member.pk).exists() and not managers.exclude(pk=member.pk).exists():
        raise LastManager(f"{member.user} is the last manager of {member.project}")
    open_links = Invitation.objects.open().filter(project=member.project_id)
    open_links.filter(created_by=member.user_id).update(revoked_at=timezone.now())


def _give_back(member: Membership, *, for_review: bool = False) -> None:
    labeler = Labeler.objects.filter(user=member.user_id).first()
    if labeler is not None:
        ending.release_all(labeler=labeler, project=member.project, for_review=for_review)
