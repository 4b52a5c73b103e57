"""What is judged, by whom, and what they said."""

from annotation.models.content import Problem, Solution, Step
from annotation.models.marks import Annotation, Position, StepLabel
from annotation.models.projects import Membership, Project
from annotation.models.runs import Run, RunSlice
from annotation.models.work import Assignment

__all__ = [
    "Annotation",
    "Assignment",
    "Membership",
    "Position",
    "Problem",
    "Project",
    "Run",
    "RunSlice",
    "Solution",
    "Step",
    "StepLabel",
]
