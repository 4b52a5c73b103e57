"""What a token opens, for every door under /api/."""

from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from annotation.models import Project
from annotation.models.projects import ProjectQuerySet
from web.models import ApiToken, Scope


def check_token(request: Request, project: Project, *scopes: Scope) -> None:
    """Keep a token to its projects and one of `scopes`; a session has its user's own rights.

    Raises PermissionDenied for a missing scope, Http404 for a project that it does not open.
    """
    token = request.auth
    if not isinstance(token, ApiToken):
        return
    check_scope(token, *scopes)
    if not (token.every_project or project.tokens.filter(pk=token.pk).exists()):
        raise Http404


def opened_by(request: Request, projects: ProjectQuerySet) -> ProjectQuerySet:
    """Return those of `projects` that a request's token opens; a session opens all of them."""
    token = request.auth
    if not isinstance(token, ApiToken) or token.every_project:
        return projects
    return projects.filter(tokens=token)


def check_scope(token: object, *scopes: Scope) -> None:
    """Raise PermissionDenied for a token that has none of `scopes`; a session has no token."""
    if isinstance(token, ApiToken) and not set(scopes) & set(token.scopes):
        raise PermissionDenied(_("This token has no scope “%(scope)s”.") % {"scope": scopes[0]})
