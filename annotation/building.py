"""A solution that was built step by step, once its labeler is done: its own steps, text and answer.

From then on it is read like any other: alternative 0 of each position is the step that was taken.
"""

from django.db.models import Max, OuterRef, Q, Subquery
from django.db.models.lookups import IsNull

from annotation.explore import final_answer
from annotation.models import Annotation, Project, Solution, Step
from annotation.models.content import SolutionQuerySet


def not_begun(solution: str = "") -> Q:
    """Return what is true of a solution that is to be built and that nobody has handed in yet.

    `solution` is the path to it, such as "solution__".
    """
    of_it = Annotation.objects.filter(solution=OuterRef(f"{solution}pk")).values("pk")[:1]
    # Not as NOT EXISTS, for which PostgreSQL may read all annotations at once.
    is_unmarked = Q(IsNull(Subquery(of_it), True))
    return Q(**{f"{solution}built": True, f"{solution}text": ""}) & is_unmarked


def begun(project: Project) -> SolutionQuerySet:
    """Return the solutions of `project` without those still to be built.

    Review projects have none, and count theirs in an index that knows of no texts.
    """
    solutions = Solution.objects.filter(project=project)
    if project.mode == Project.Mode.EXPLORE:
        return solutions.exclude(not_begun())
    return solutions


def keep_path(annotation: Annotation) -> Solution:
    """Make the steps that `annotation` went on with its solution's own; return the solution.

    `grading.grade` says afterwards whether the answer is right; it takes too long for the
    transaction that this needs. Work that no slot was left for changes nothing: the solution is
    that of the slot's holder.
    """
    solution = Solution.objects.select_for_update().get(pk=annotation.solution_id)
    if annotation.is_surplus:
        return solution
    taken = [
        step
        for position in annotation.positions.select_related("chosen", "human_step").order_by(
            "position"
        )
        if (step := position.chosen or position.human_step) is not None
    ]
    _move_others(solution, {step.pk for step in taken})
    start = 0
    for step in taken:
        step.alternative, step.start, step.end = 0, start, start + len(step.text)
        step.save(update_fields=["alternative", "start", "end"])
        start = step.end + 1
    texts = [step.text for step in taken]
    solution.text = "\n".join(texts)
    is_solved = annotation.finish_reason == Annotation.FinishReason.SOLUTION
    solution.final_answer = final_answer(texts) if is_solved else None
    solution.is_correct, solution.grader = None, ""
    solution.save(update_fields=["text", "final_answer", "is_correct", "grader"])
    return solution


def _move_others(solution: Solution, taken: set[int]) -> None:
    """Put the steps of a path that was taken before, and is not now, behind the candidates."""
    steps = Step.objects.filter(solution=solution)
    for step in steps.filter(alternative=0).exclude(pk__in=taken):
        here = steps.filter(position=step.position)
        last = here.aggregate(last=Max("alternative"))["last"]
        here.filter(pk=step.pk).update(alternative=last + 1, start=None, end=None)
