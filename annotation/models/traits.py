"""What solutions are found by that no index of their own columns could hold."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from annotation.models.content import Solution
from annotation.models.marks import Annotation
from annotation.models.projects import Project


class SolutionTrait(models.Model):
    """An index across tables: which solutions contain which kind of mark.

    Triggers of the database keep it (migration 0003, ADR 8), so that it holds for rows that came
    by COPY or by hand too. It may say too much, never too little: whoever reads it checks.
    """

    class Kind(models.TextChoices):
        BAD = "bad", _("a Bad")
        OKAY = "okay", _("an Okay")
        FLAGGED = "flagged", _("a flag")
        UNMARKED = "unmarked", _("no mark at all")

    NOBODYS = 0
    """The annotation of a solution that has none."""

    pk = models.CompositePrimaryKey("project_id", "kind", "solution_id", "annotation_id")
    project = models.ForeignKey(
        Project, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    kind = models.CharField(max_length=10, choices=Kind)
    solution = models.ForeignKey(
        Solution, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    annotation = models.ForeignKey(
        Annotation, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )

    class Meta:
        verbose_name: ClassVar = "solution trait"

    def __str__(self) -> str:
        return f"solution {self.solution_id}: {self.kind}"
