"""What clients read of a project: problems, solutions, steps, annotations, verdicts, labelers."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from rest_framework.exceptions import PermissionDenied

from annotation import api_filters, api_rows, api_shapes
from annotation.api_changes import ChangesLinked
from annotation.api_projects import ReadDoor
from annotation.browsing import marks_open_to, solutions_open_to, steps_open_to
from annotation.building import begun
from annotation.models import (
    Annotation,
    MarkChange,
    Membership,
    Problem,
    Solution,
    Step,
    Verdict,
)
from labelers.models import Labeler
from web.api_sets import RowsView, RowView, SetView
from web.ndjson import JsonRows


class Problems(ReadDoor, RowsView):
    """What is null for labelers: the reference solution and metadata, and the reference answer
    where the project does not show it."""

    queryset = Problem.objects.none()
    serializer_class = api_shapes.ProblemShape

    def visible(self) -> QuerySet[Any]:
        return Problem.objects.visible_to(self.user).filter(project=self.project)

    def rows(self) -> JsonRows:
        rows = api_rows.PROBLEMS
        if not self.project.reads_grades:
            rows = rows.without("reference_answer")
        return rows if self.project.reads_marks else rows.without("reference_solution", "metadata")


class ProblemsView(Problems, SetView):
    """The problems of a project."""

    filterset_class = api_filters.ProblemFilters


class ProblemView(Problems, RowView):
    """One problem."""

    by = {"pk": "problem_id"}  # noqa: RUF012 - never changed


class Solutions(ReadDoor, RowsView):
    """Labelers do not see what others have built step by step, nor, where the project does not
    show reference answers, which solutions are right."""

    queryset = Solution.objects.none()
    serializer_class = api_shapes.SolutionShape

    def visible(self) -> QuerySet[Any]:
        if "is_correct" in self.request.query_params and not self.project.reads_grades:
            raise PermissionDenied
        open_to_them = solutions_open_to(self.user, self.project)
        return open_to_them.filter(pk__in=begun(self.project)) if self.explores else open_to_them

    @property
    def explores(self) -> bool:
        return self.project.mode == self.project.Mode.EXPLORE

    def rows(self) -> JsonRows:
        rows = api_rows.SOLUTIONS
        if not self.project.reads_grades:
            rows = rows.without("is_correct", "grader")
        if not self.project.reads_marks:
            rows = rows.without("prompt_text", "verifier_score", "metadata")
        return rows


class SolutionsView(Solutions, SetView):
    """The solutions of a project, without those that are to be built and not handed in yet."""

    filterset_class = api_filters.SolutionFilters


class SolutionView(Solutions, RowView):
    """One solution."""

    by = {"pk": "solution_id"}  # noqa: RUF012 - never changed


class Steps(ReadDoor, RowsView):
    """Labelers see what models wrote, and what they wrote themselves."""

    queryset = Step.objects.none()
    serializer_class = api_shapes.StepShape

    def visible(self) -> QuerySet[Any]:
        steps = steps_open_to(self.user, self.project)
        if self.project.reads_marks:
            return steps.filter(solution__project=self.project)
        return steps.filter(solution__in=solutions_open_to(self.user, self.project))

    def rows(self) -> JsonRows:
        return api_rows.STEPS


class StepsView(Steps, SetView):
    """The steps of a project's solutions and the other candidates for their places."""

    filterset_class = api_filters.StepFilters
    orders = {"solution": ("solution_id", "position", "alternative")}  # noqa: RUF012 - as above


class StepView(Steps, RowView):
    """One step."""

    by = {"pk": "step_id"}  # noqa: RUF012 - never changed


class Annotations(ReadDoor, RowsView):
    """Labelers see their own alone, and not which were there to check them."""

    queryset = Annotation.objects.none()
    serializer_class = api_shapes.AnnotationShape

    def visible(self) -> QuerySet[Any]:
        return marks_open_to(self.user, self.project)

    def rows(self) -> JsonRows:
        rows = api_rows.ANNOTATIONS
        if self.project.reads_marks:
            return rows
        return rows.without("is_quality_control", "is_screening", "is_practice")


class AnnotationsView(Annotations, ChangesLinked):
    """The annotations in force, each with its marks on steps."""

    kind = MarkChange.Kind.ANNOTATION
    changes_url = "api_annotation_changes"
    filterset_class = api_filters.AnnotationFilters


class AnnotationView(Annotations, RowView):
    """One annotation; one that was corrected since says by which."""

    by = {"pk": "annotation_id"}  # noqa: RUF012 - never changed

    def visible(self) -> QuerySet[Any]:
        corrected = Annotation.objects.visible_to(self.user).filter(project=self.project)
        if not self.project.reads_marks:
            corrected = corrected.filter(Q(is_surplus=False) | Q(solution__built=False))
        return corrected


class Verdicts(ReadDoor, RowsView):
    """For those who read everybody's marks."""

    queryset = Verdict.objects.none()
    serializer_class = api_shapes.VerdictShape

    def visible(self) -> QuerySet[Any]:
        self.check_reads_marks()
        return Verdict.objects.filter(solution__project=self.project)

    def rows(self) -> JsonRows:
        return api_rows.VERDICTS


class VerdictsView(Verdicts, ChangesLinked):
    """What is agreed on the steps of a project's solutions."""

    kind = MarkChange.Kind.VERDICT
    changes_url = "api_verdict_changes"
    filterset_class = api_filters.VerdictFilters
    orders = {"solution": ("solution_id", "step_id")}  # noqa: RUF012 - never changed


class VerdictView(Verdicts, RowView):
    """What is agreed on one step."""

    by = {"step_id": "step_id"}  # noqa: RUF012 - never changed


class Labelers(ReadDoor, RowsView):
    """For those who read everybody's marks."""

    queryset = Labeler.objects.none()
    serializer_class = api_shapes.LabelerShape

    def visible(self) -> QuerySet[Any]:
        self.check_reads_marks()
        theirs = Annotation.objects.filter(project=self.project, labeler=OuterRef("pk"))
        members = Membership.objects.filter(project=self.project).values("user")
        current = Q(kind=Labeler.Kind.MODEL, retired_at=None)
        return Labeler.objects.filter(Exists(theirs) | Q(user__in=members) | current)

    def rows(self) -> JsonRows:
        return api_rows.LABELERS


class LabelersView(Labelers, SetView):
    """Who marked in a project, its members who label, and the model labelers that it may ask."""

    filterset_class = api_filters.LabelerFilters


class LabelerView(Labelers, RowView):
    """One labeler."""

    by = {"uuid": "labeler_uuid"}  # noqa: RUF012 - never changed
    lookup_field = "uuid"
