"""What annotators are told about marking: a project's own text, or ours where it has none."""

from functools import cache
from importlib import resources

from annotation.models import Project

LONGEST = 50_000
"""Characters; nobody reads more than that."""


def guidelines_of(project: Project) -> str:
    """Return the guidelines of a project, as Markdown."""
    return project.guidelines if project.guidelines.strip() else default_guidelines()


@cache
def default_guidelines() -> str:
    return (resources.files("annotation") / "guidelines" / "default.md").read_text("utf-8")
