"""Right or wrong: comparing solutions' final answers with their problems' reference answers."""

from collections.abc import Sequence

from annotation.models import Solution
from labelers import answers


def grade(solutions: Sequence[Solution]) -> None:
    """Set `is_correct` (None: no reference answer) and `grader` of each; saves nothing."""
    pairs = [(solution.final_answer, solution.problem.reference_answer) for solution in solutions]
    for solution, is_correct in zip(solutions, answers.grade(pairs), strict=True):
        solution.is_correct, solution.grader = is_correct, answers.GRADER
