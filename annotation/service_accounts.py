"""Accounts of programs that take part in a project: each marks as a model labeler of its own.

A service account has no password and opens no page (`web.login.PeopleBackend`): it comes in by its
tokens alone, which those who manage the project make and revoke.
"""

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from annotation.models import Membership, Project
from annotation.tokens import make_token
from labelers.registration import BadConfiguration, register_program
from web.models import ApiToken, Scope, User

SCOPES = (Scope.READ, Scope.LABEL)
"""What a program may be let do: it decides nothing among people, and manages nothing."""


class NameTaken(ValueError):
    """Another account or labeler has this name."""


def list_service_accounts(project: Project) -> QuerySet[Membership]:
    """Return the programs' memberships, those that have ended last."""
    members = project.memberships.filter(user__is_service=True).select_related("user__labeler")
    return members.order_by("ended_at", "user__username")


@transaction.atomic
def make_service_account(*, project: Project, name: str) -> Membership:
    """Make the account of a program, which marks in `project` as the model labeler `name`.

    Raises NameTaken.
    """
    try:
        with transaction.atomic():
            user = User.objects.create_user(username=name, is_service=True)
            # It may mark in other projects: only who runs the site puts another in its place.
            register_program(name=name, user=user, replaces=False)
    except (IntegrityError, BadConfiguration):
        raise NameTaken(_("Another account or labeler is named %s.") % name) from None
    return Membership.objects.create(user=user, project=project, role=Membership.Role.LABELER)


def tokens_of(membership: Membership) -> QuerySet[ApiToken]:
    """Return the tokens of a program that open the project of `membership`."""
    tokens = ApiToken.objects.filter(user=membership.user, projects=membership.project)
    return tokens.order_by("-created")


def make_service_token(
    *, membership: Membership, name: str, scopes: Sequence[str], days: int
) -> tuple[ApiToken, str]:
    """Make a token of a program for one project; return it and the text that is sent."""
    return make_token(
        user=membership.user, name=name, scopes=scopes, projects=[membership.project], days=days
    )
