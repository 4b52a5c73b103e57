"""A project, and clients of everybody who might ask for it."""

from django.test import Client

from annotation.models import Project
from tests.factories import make_project, make_user
from web.models import User

LESSER = ("reviewer", "labeler", "reader")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def manager_of(project: Project) -> Client:
    return member_of(project, "manager")


def member_of(project: Project, role: str) -> Client:
    user = make_user()
    project.memberships.create(user=user, role=role)
    return client_of(user)


def outsider() -> Client:
    """Return a client of somebody who manages another project."""
    return manager_of(make_project())


def refusals(project: Project, method: str, address: str) -> list[int]:
    """Return how those are answered who may not: outsiders first, then lesser roles."""
    asking = [outsider(), *(member_of(project, role) for role in LESSER)]
    return [getattr(client, method)(address).status_code for client in asking]


REFUSED = [404, 403, 403, 403]
