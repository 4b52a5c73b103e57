"""A user's own API tokens: made for some projects or all, and revoked."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import Prefetch, QuerySet

from annotation.models import Project
from web.models import ApiToken, User


def list_tokens(user: User) -> QuerySet[ApiToken]:
    """Return the tokens of `user`, newest first, with the projects that they may still see."""
    visible = Prefetch("projects", queryset=Project.objects.visible_to(user))
    return ApiToken.objects.filter(user=user).prefetch_related(visible).order_by("-created")


@transaction.atomic
def make_token(
    *, user: User, name: str, scopes: Sequence[str], projects: Iterable[Project] | None, days: int
) -> tuple[ApiToken, str]:
    """Make a token that lasts `days` for `projects`, or for all of the user's where None.

    Return it and the text that the owner sends, of which only a digest is kept.
    """
    token, secret = ApiToken.objects.create(  # type: ignore[no-untyped-call] # knox has no types
        user,
        expiry=timedelta(days=days),
        name=name,
        scopes=list(scopes),
        every_project=projects is None,
    )
    token.projects.set(projects or [])
    return token, secret
