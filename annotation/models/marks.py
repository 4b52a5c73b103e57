"""What the labelers said."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from annotation.models.content import Solution, Step
from annotation.models.projects import Project
from annotation.models.work import Assignment, Lease
from labelers.models import Labeler
from web.models import User


class AnnotationQuerySet(models.QuerySet["Annotation"]):
    def visible_to(self, user: User) -> "AnnotationQuerySet":
        """Those whose marks `user` may read: a project's, or as its labeler one's own."""
        everybodys = Q(project__in=Project.objects.marks_visible_to(user))
        ones_own = Q(project__in=Project.objects.visible_to(user), labeler__user=user)
        return self.filter(everybodys | ones_own)

    def in_force(self) -> "AnnotationQuerySet":
        """Those that no correction supersedes."""
        # As NOT EXISTS: PostgreSQL takes an outer join with "is null" to leave one row.
        return self.filter(~Exists(Annotation.objects.filter(supersedes=OuterRef("pk"))))

    def for_practice(self) -> "AnnotationQuerySet":
        """Those whose marks newcomers are shown."""
        return self.in_force().filter(is_practice=True)

    def counted(self) -> "AnnotationQuerySet":
        """Those that say something of their solution: `cases.counts` is the same as SQL."""
        return self.in_force().filter(
            is_surplus=False, is_practice=False, is_quality_control=False, is_screening=False
        )

    def in_slots(self) -> "AnnotationQuerySet":
        """All but the late work that no slot was left for."""
        return self.filter(is_surplus=False)


class Annotation(models.Model):
    """One labeler's finished work on one solution. Never edited: a correction supersedes it.

    `shape` remembers only how an imported record was spelt; `datasets_app/shape.py` says how.
    """

    class FinishReason(models.TextChoices):
        FOUND_ERROR = "found_error"
        SOLUTION = "solution"
        BAD_PROBLEM = "bad_problem"
        GIVE_UP = "give_up"

    project = models.ForeignKey(Project, models.CASCADE, related_name="annotations", db_index=False)
    labeler = models.ForeignKey(Labeler, models.PROTECT, related_name="annotations", db_index=False)
    solution = models.ForeignKey(Solution, models.CASCADE, related_name="annotations")
    assignment = models.ForeignKey(
        Assignment, models.RESTRICT, null=True, blank=True, related_name="annotations"
    )
    lease = models.OneToOneField(
        Lease, models.RESTRICT, null=True, blank=True, related_name="annotation"
    )
    is_surplus = models.BooleanField(
        default=False, help_text="Late work that no slot was left for: it counts toward no overlap."
    )
    finish_reason = models.CharField(max_length=20, choices=FinishReason, blank=True)
    comment = models.TextField(blank=True, help_text="Why the labeler gave up, what is wrong.")
    total_time_ms = models.BigIntegerField(
        null=True, blank=True, help_text="Active time: without hidden tabs and idleness."
    )
    elapsed_ms = models.BigIntegerField(null=True, blank=True, help_text="From hold to submission.")
    progress = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="How far the solution had come at its error, 0 to 4."
    )
    bad_splits = ArrayField(
        models.PositiveSmallIntegerField(),
        default=list,
        blank=True,
        help_text="Positions whose text is not one step.",
    )
    is_practice = models.BooleanField(
        default=False, help_text="Newcomers practise on its solution and are shown these marks."
    )
    generation = models.SmallIntegerField(null=True, blank=True)
    is_quality_control = models.BooleanField(default=False)
    is_screening = models.BooleanField(default=False)
    score = models.FloatField(null=True, blank=True)
    evidence = models.JSONField(default=dict, blank=True)
    supersedes = models.OneToOneField(
        "self", models.RESTRICT, null=True, blank=True, related_name="superseded_by"
    )
    shape = models.JSONField(default=dict, blank=True)
    import_key = models.UUIDField(
        null=True, editable=False, help_text="Digest of the imported record: no import repeats it."
    )
    submitted_at = models.DateTimeField(default=timezone.now)

    objects = AnnotationQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "import_key"],
                condition=~Q(import_key=None),
                name="annotation_imported_once",
            ),
            models.UniqueConstraint(
                fields=["assignment"],
                condition=~Q(assignment=None) & Q(supersedes=None),
                name="annotation_first_of_its_assignment",
            ),
        ]
        indexes: ClassVar = [
            # Exports walk a project's annotations in order of arrival.
            models.Index(fields=["project", "id"], name="annotation_by_project"),
            # A labeler's past work, and whether a solution is part of it.
            models.Index(fields=["labeler", "solution"], name="annotation_by_labeler"),
            models.Index(fields=["labeler", "submitted_at"], name="annotation_by_time"),
            # Pages list the solutions that a labeler marked, that ended for a reason, or whose
            # steps were split badly, in order of the solutions.
            models.Index(fields=["project", "labeler", "solution"], name="annotation_of_labeler"),
            models.Index(
                fields=["project", "finish_reason", "solution"], name="annotation_by_reason"
            ),
            models.Index(
                fields=["project", "solution"],
                condition=~Q(bad_splits=[]),
                name="annotation_of_bad_split",
            ),
        ]

    def __str__(self) -> str:
        return f"annotation {self.pk}"


class WorkCost(models.Model):
    """What one annotation by a model took; a labeler's are summed where they are asked for."""

    annotation = models.OneToOneField(
        Annotation, models.CASCADE, primary_key=True, related_name="cost"
    )
    calls = models.PositiveIntegerField(help_text="Texts asked of an engine.")
    prompt_tokens = models.PositiveBigIntegerField()
    completion_tokens = models.PositiveBigIntegerField()
    estimated_calls = models.PositiveIntegerField(
        default=0, help_text="Of the calls, those whose tokens the server did not count."
    )
    work_ms = models.PositiveBigIntegerField(
        help_text="Time in the judge; solutions that were judged together share it equally."
    )
    money = models.DecimalField(
        max_digits=16,
        decimal_places=6,
        null=True,
        help_text="In the currency of the labeler's price; null without one.",
    )

    def __str__(self) -> str:
        return f"cost of annotation {self.annotation_id}"


class Position(models.Model):
    """One annotation at one position: PRM800K's four step states.

    `listed` is False where the source listed no candidates at all.
    """

    annotation = models.ForeignKey(
        Annotation, models.CASCADE, related_name="positions", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    chosen = models.ForeignKey(Step, models.CASCADE, null=True, blank=True, related_name="+")
    human_step = models.ForeignKey(Step, models.CASCADE, null=True, blank=True, related_name="+")
    listed = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["annotation", "position"], name="position_once_an_annotation"
            )
        ]

    def __str__(self) -> str:
        return f"position {self.position} of annotation {self.annotation_id}"


class StepLabelQuerySet(models.QuerySet["StepLabel"]):
    def explaining(self) -> "StepLabelQuerySet":
        """What model labelers wrote of steps that they found wrong: labelers rate it."""
        kind = Labeler.Kind.MODEL
        return self.filter(rating=-1, annotation__labeler__kind=kind).exclude(comment="")


class StepLabel(models.Model):
    """One annotation's mark on one step. No row, or a null rating, is "not rated", never wrong."""

    annotation = models.ForeignKey(
        Annotation, models.CASCADE, related_name="labels", db_index=False
    )
    step = models.ForeignKey(Step, models.CASCADE, related_name="labels")
    rating = models.SmallIntegerField(null=True, blank=True)
    flagged = models.BooleanField(null=True, blank=True)
    score = models.FloatField(null=True, blank=True)
    probabilities = ArrayField(
        models.FloatField(), size=3, null=True, blank=True, help_text="P(-1), P(0), P(+1)."
    )
    comment = models.TextField(blank=True)
    shown_order = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Place among the candidates, from 0; null if not listed."
    )

    objects = StepLabelQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["annotation", "step"], name="step_label_once_an_annotation"
            ),
            models.CheckConstraint(
                condition=Q(rating__in=[-1, 0, 1]) | Q(rating=None),
                name="step_label_rating_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rating} by annotation {self.annotation_id} on step {self.step_id}"


class CritiqueRating(models.Model):
    """What an annotation says of another labeler's comment on a mistake: does it explain it?"""

    annotation = models.ForeignKey(
        Annotation, models.CASCADE, related_name="critique_ratings", db_index=False
    )
    label = models.ForeignKey(StepLabel, models.CASCADE, related_name="critique_ratings")
    rating = models.SmallIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["annotation", "label"], name="critique_rating_once_an_annotation"
            ),
            models.CheckConstraint(
                condition=Q(rating__in=[-1, 0, 1]), name="critique_rating_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rating} by annotation {self.annotation_id} on comment {self.label_id}"
