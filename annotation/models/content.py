"""What is judged: problems, solutions and their steps."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from annotation.models.projects import Project
from web.models import User


class ProblemQuerySet(models.QuerySet["Problem"]):
    def visible_to(self, user: User) -> "ProblemQuerySet":
        return self.filter(project__in=Project.objects.visible_to(user))

    def with_reference_answer(self) -> "ProblemQuerySet":
        return self.exclude(reference_answer=None).exclude(reference_answer="")

    def unsolved(self) -> "ProblemQuerySet":
        """Those of which no solution has the right answer."""
        right = Solution.objects.filter(problem=models.OuterRef("pk"), is_correct=True)
        return self.exclude(models.Exists(right))


class Problem(models.Model):
    """One distinct text with one distinct reference, within a project.

    A source that gives no reference solution joins a row that has the same text and answer.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="problems", db_index=False)
    text = models.TextField()
    reference_answer = models.TextField(null=True, blank=True)  # noqa: DJ001 - null: none is known
    reference_solution = models.TextField(null=True, blank=True)  # noqa: DJ001 - as above
    key = models.UUIDField(editable=False, help_text="Digest of text and reference answer.")
    solution_key = models.UUIDField(
        null=True, editable=False, help_text="Digest of the reference solution, where there is one."
    )
    external_id = models.CharField(max_length=500, blank=True)
    source = models.CharField(max_length=200, blank=True)
    split = models.CharField(max_length=100, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    level = models.CharField(max_length=50, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ProblemQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "key", "solution_key"],
                nulls_distinct=False,
                name="problem_once_a_project",
            )
        ]
        indexes: ClassVar = [
            # import_solutions finds a problem by the id its source gave it.
            models.Index(
                fields=["project", "external_id"],
                condition=~Q(external_id=""),
                name="problem_by_external_id",
            ),
            # Pages list a project's problems in order of arrival.
            models.Index(fields=["project", "id"], name="problem_by_project"),
        ]

    def __str__(self) -> str:
        return self.text[:80]


class SolutionQuerySet(models.QuerySet["Solution"]):
    def visible_to(self, user: User) -> "SolutionQuerySet":
        return self.filter(project__in=Project.objects.visible_to(user))

    def written(self) -> "SolutionQuerySet":
        """Those that came whole from a writer, rather than built step by step by a labeler."""
        return self.filter(built=False)


class Solution(models.Model):
    """One attempt at a problem. Equal texts by the same writer are one row, with a count.

    The writer is the engine, model, prompt and parameters (`writer_key`).
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="solutions", db_index=False)
    problem = models.ForeignKey(Problem, models.CASCADE, related_name="solutions", db_index=False)
    text = models.TextField()
    text_key = models.UUIDField(
        editable=False,
        help_text="Digest of the text, or of the list of steps where the source gave steps.",
    )
    built = models.BooleanField(
        default=False,
        help_text="Built step by step by a labeler (explore mode, PRM800K phase 1).",
    )
    splitter = models.CharField(max_length=50)
    splitter_version = models.PositiveSmallIntegerField(default=1)

    engine = models.CharField(max_length=100)
    model = models.CharField(max_length=500, blank=True)
    prompt_name = models.CharField(max_length=100, blank=True)
    prompt_text = models.TextField(blank=True, help_text="The exact text the model was given.")
    parameters = models.JSONField(default=dict, blank=True)
    writer_key = models.UUIDField(
        editable=False, help_text="Digest of engine, model, prompt and parameters."
    )
    seed = models.BigIntegerField(null=True, blank=True)
    prompt_tokens = models.PositiveIntegerField(null=True, blank=True)
    completion_tokens = models.PositiveIntegerField(null=True, blank=True)
    stopped_by = models.CharField(
        max_length=10, blank=True, help_text='"stop" or "length" (cut off at the token limit).'
    )
    times_drawn = models.PositiveIntegerField(default=1)
    run = models.ForeignKey(
        "annotation.Run", models.SET_NULL, null=True, blank=True, related_name="solutions"
    )

    final_answer = models.TextField(null=True, blank=True)  # noqa: DJ001 - null: it states none
    is_correct = models.BooleanField(null=True, blank=True)
    grader = models.CharField(max_length=100, blank=True)
    verifier_score = models.FloatField(null=True, blank=True)
    generation = models.SmallIntegerField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = SolutionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["problem", "text_key", "writer_key"], name="solution_once_a_writer"
            )
        ]
        indexes: ClassVar = [
            # Runs and pages walk a project's solutions in order of arrival.
            models.Index(fields=["project", "id"], name="solution_by_project"),
            # Pages narrow them to what wrote them and to whether their answer is right.
            models.Index(fields=["project", "model", "id"], name="solution_by_model"),
            models.Index(fields=["project", "is_correct", "id"], name="solution_by_answer"),
        ]

    def __str__(self) -> str:
        return f"solution {self.pk}"


class Step(models.Model):
    """One step, or one other candidate for its position.

    `alternative` 0 is the solution's own step, 1, 2, … are other candidates; two candidates
    may have the same text. `start` and `end` are character offsets of the solution's own
    steps in its text.
    """

    class Writer(models.TextChoices):
        MODEL = "model"
        HUMAN = "human"

    solution = models.ForeignKey(Solution, models.CASCADE, related_name="steps", db_index=False)
    position = models.PositiveSmallIntegerField()
    alternative = models.PositiveSmallIntegerField(default=0)
    text = models.TextField()
    writer = models.CharField(max_length=5, choices=Writer, default=Writer.MODEL)
    start = models.PositiveIntegerField(null=True, blank=True)
    end = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["solution", "position", "alternative"], name="step_once_a_place"
            )
        ]

    def __str__(self) -> str:
        return f"step {self.position}.{self.alternative} of solution {self.solution_id}"
