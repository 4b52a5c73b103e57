"""Who asks over REST, and for which project: what every door to read shares."""

from functools import cached_property
from typing import Any

from django.db.models import OuterRef, Subquery
from django.shortcuts import get_object_or_404
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.api_rights import check_scope, check_token, opened_by
from annotation.api_shapes import ProjectShape
from annotation.models import Membership, Project
from annotation.models.projects import ProjectQuerySet
from annotation.rights import ProjectWithRights, with_rights
from web.api_pages import BY_ID, KeysetPagination, check_parameters
from web.etags import Tagged
from web.models import Scope
from web.tokens import TokenAuthentication


class Door(APIView):
    """A door for tokens and for people who are logged in."""

    authentication_classes = (TokenAuthentication, SessionAuthentication)

    @property
    def user(self) -> Any:
        return self.request.user


class ReadDoor(Door):
    """A door to something of the project that the address names."""

    @cached_property
    def project(self) -> ProjectWithRights:
        """The project, if the caller sees it: Http404 otherwise."""
        found = get_object_or_404(with_rights(self.user), slug=self.kwargs["slug"])
        check_token(self.request, found, Scope.READ)
        return found

    def check_reads_marks(self) -> None:
        """Raise PermissionDenied for who does not read everybody's marks."""
        if not self.project.reads_marks:
            raise PermissionDenied


class ProjectsDoor(Tagged, Door):
    def listed(self) -> ProjectQuerySet:
        """Return the projects that caller and token open, each with the caller's `role`."""
        check_scope(self.request.auth, Scope.READ)
        visible = opened_by(self.request, Project.objects.visible_to(self.user))
        part = Membership.objects.active().filter(project=OuterRef("pk"), user=self.user)
        return visible.annotate(role=Subquery(part.values("role")))


class ProjectsView(ProjectsDoor, ListAPIView[Project]):
    """The projects that you take part in."""

    queryset = Project.objects.none()
    serializer_class = ProjectShape
    pagination_class = KeysetPagination
    orders = {**BY_ID, "slug": ("slug",)}  # noqa: RUF012 - DRF's way

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        check_parameters(request, KeysetPagination.parameters)
        paginator = KeysetPagination()
        rows = paginator.paginate_queryset(self.listed(), request, self)
        return paginator.get_paginated_response(ProjectShape(rows, many=True).data)


class ProjectView(ProjectsDoor, RetrieveAPIView[Project]):
    """One project."""

    queryset = Project.objects.none()
    serializer_class = ProjectShape
    lookup_field = "slug"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        check_parameters(request, ())
        project = get_object_or_404(self.listed(), slug=kwargs["slug"])
        return Response(ProjectShape(project).data)
