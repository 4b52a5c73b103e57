"""`{% load roles %}` and then `{% if user|manages:project %}`."""

from django import template

from annotation.models import Project
from web.models import User

register = template.Library()


@register.filter
def manages(user: User, project: Project) -> bool:
    """Whether `user` may change the settings and the people of `project`."""
    return Project.objects.managed_by(user).contains(project)
