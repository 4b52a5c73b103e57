"""What annotators are told about marking: a project's own text, or ours where it has none."""

from annotation.models import Project
from web.locale import written_for_reader

LONGEST = 50_000
"""Characters; nobody reads more than that."""


def guidelines_of(project: Project) -> str:
    """Return the guidelines of a project, as Markdown."""
    return project.guidelines if project.guidelines.strip() else default_guidelines()


def default_guidelines() -> str:
    """Return ours in the reader's language."""
    return written_for_reader("annotation", "guidelines/default.md")
