"""What is agreed, and which solutions have to be looked at again for it."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import Q
from django.utils import timezone

from annotation.models.content import Solution, Step
from annotation.models.projects import Project


class Verdict(models.Model):
    """What is agreed on one step of a solution's own, by which rule, from which annotations.

    It follows from annotations, which are never edited, and holds no knowledge of its own: so it is
    replaced as a whole when they or the rules change (`consensus.update`), and has no history. A
    step without one is not decided, never wrong.
    """

    solution = models.ForeignKey(Solution, models.CASCADE, related_name="verdicts")
    step = models.OneToOneField(Step, models.CASCADE, related_name="verdict")
    rating = models.SmallIntegerField()
    soft = models.FloatField(
        help_text="From 0 (wrong) to 1: the mean of what each annotation says of the step."
    )
    rule = models.CharField(max_length=200, help_text="What decided it.")
    annotations = ArrayField(
        models.BigIntegerField(), help_text="Ids of those that were counted, whatever they said."
    )
    decided_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(rating__in=[-1, 0, 1]), name="verdict_rating_is_known"
            ),
            models.CheckConstraint(
                condition=Q(soft__gte=0, soft__lte=1), name="verdict_soft_is_a_share"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rating} on step {self.step_id} ({self.rule})"


class ReconsiderationQuerySet(models.QuerySet["Reconsideration"]):
    def ask_for(self, project: Project, solutions: Iterable[int]) -> None:
        """Have these solutions looked at again. Needs the transaction of what has changed."""
        self.bulk_create(
            Reconsideration(project=project, solution_id=solution) for solution in set(solutions)
        )

    def ask_for_all(self, project: Project, solutions: models.QuerySet[Any, Any]) -> None:
        """Have all that the only column of `solutions` names looked at again, in one statement."""
        chosen, parameters = solutions.query.sql_with_params()
        statement = f"""
            INSERT INTO annotation_reconsideration (project_id, solution_id)
            SELECT %s, chosen.id FROM ({chosen}) AS chosen (id)
        """  # noqa: S608 - Django's own statement
        with connection.cursor() as cursor:
            cursor.execute(statement, [project.pk, *parameters])


class Reconsideration(models.Model):
    """A solution that has to be looked at again: something new is known of it.

    Written in the transaction that brings the news, so that none is forgotten, and never waited
    for: `route.catch_up` takes them off.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    solution = models.ForeignKey(Solution, models.CASCADE, related_name="+")

    objects = ReconsiderationQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["project", "id"], name="reconsideration_by_project")
        ]

    def __str__(self) -> str:
        return f"solution {self.solution_id} again"
