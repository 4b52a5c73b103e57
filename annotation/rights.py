"""What a user may do in a project, asked together with the project itself."""

from typing import TYPE_CHECKING, TypedDict, cast

from django.db.models import Exists, OuterRef, QuerySet
from django_stubs_ext import WithAnnotations

from annotation.models import Project
from web.models import User


class Rights(TypedDict):
    may_manage: bool
    may_label: bool
    reads_marks: bool
    reads_grades: bool


if TYPE_CHECKING:  # only the type checker can tell a row by what was asked with it
    ProjectWithRights = WithAnnotations[Project, Rights]
else:
    ProjectWithRights = Project


def with_rights(user: User) -> QuerySet[ProjectWithRights, ProjectWithRights]:
    """Return the projects that `user` sees, each with what `user` may do in it (`Rights`).

    One statement instead of one for each question that a page asks.
    """
    projects = Project.objects
    visible = projects.visible_to(user).annotate(
        may_manage=Exists(projects.managed_by(user).filter(pk=OuterRef("pk"))),
        may_label=Exists(projects.labelled_by(user).filter(pk=OuterRef("pk"))),
        reads_marks=Exists(projects.marks_visible_to(user).filter(pk=OuterRef("pk"))),
        reads_grades=Exists(projects.grades_visible_to(user).filter(pk=OuterRef("pk"))),
    )
    return cast("QuerySet[ProjectWithRights, ProjectWithRights]", visible)
