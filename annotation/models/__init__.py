"""What is judged, by whom, and what they said."""

from annotation.models.content import Problem, Solution, Step
from annotation.models.mark_changes import MarkChange
from annotation.models.marks import Annotation, CritiqueRating, Position, StepLabel, WorkCost
from annotation.models.projects import Invitation, Membership, Project
from annotation.models.run_slices import RunSlice
from annotation.models.runs import Run
from annotation.models.traits import SolutionTrait
from annotation.models.verdicts import Reconsideration, Verdict
from annotation.models.work import Assignment, Lease

__all__ = [
    "Annotation",
    "Assignment",
    "CritiqueRating",
    "Invitation",
    "Lease",
    "MarkChange",
    "Membership",
    "Position",
    "Problem",
    "Project",
    "Reconsideration",
    "Run",
    "RunSlice",
    "Solution",
    "SolutionTrait",
    "Step",
    "StepLabel",
    "Verdict",
    "WorkCost",
]
