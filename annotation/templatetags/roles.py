"""`{% load roles %}` and then `{% if user|manages:project %}` or `{{ role|role_name }}`."""

from django import template

from annotation.members_forms import NAMES
from annotation.models import Project
from web.models import User

register = template.Library()


@register.filter
def manages(user: User, project: Project) -> bool:
    """Whether `user` may change the settings and the people of `project`."""
    return Project.objects.managed_by(user).contains(project)


@register.filter
def reads_marks(user: User, project: Project) -> bool:
    """Whether `user` may read everybody's marks in `project`."""
    return Project.objects.marks_visible_to(user).contains(project)


@register.filter
def role_name(role: str | None) -> str:
    """Say a role in words; nothing for no role."""
    return str(NAMES[role]) if role else ""
