"""Marking by model labelers: a request becomes a Run, its slices become Annotations."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import chain

from django.db import transaction
from django.db.models import Prefetch, Sum

from annotation import routing, runs
from annotation.grading import grade
from annotation.models import Annotation, Assignment, Project, Run, RunSlice, Solution, Step
from annotation.submission import Submission, submit
from labelers.judges.base import Judge
from labelers.models import Labeler
from labelers.registration import BadConfiguration, make_judge
from labelers.trace import Judgement, Trace
from web.models import User
from web.registry import UnknownName

SOLUTIONS_A_SLICE = 100


def request(*, project: Project, labeler: Labeler, user: User | None = None) -> Run:
    """Open or extend the Run in which `labeler`, a model, marks every written solution."""
    wanted = {"labeler": str(labeler.uuid), "name": labeler.name, "judge": labeler.judge}
    with transaction.atomic():
        run = runs.open_run(
            project=project,
            kind=Run.Kind.LABELLING,
            identity={"labeler": wanted["labeler"]},
            request=wanted,
            user=user,
        )
        again = runs.take_back_transient_failures(run)
        starts = range(0, len(again), SOLUTIONS_A_SLICE)
        made = routing.route_to(
            project=project,
            labeler=labeler,
            reason="asked for by hand",
            batch_size=SOLUTIONS_A_SLICE,
        )
        runs.add_slices(
            run, chain((again[start : start + SOLUTIONS_A_SLICE] for start in starts), made)
        )
    return run


def judge_slice(piece: RunSlice) -> Callable[[], runs.Made]:
    """Judge the solutions of one slice; what it returns submits the judgements."""
    labeler = Labeler.objects.get(uuid=piece.run.request["labeler"])
    try:
        judge = make_judge(labeler.judge, labeler.config)
    except (BadConfiguration, UnknownName) as error:
        raise runs.CannotRun(str(error)) from error
    own_steps = Step.objects.filter(alternative=0).order_by("position")
    assignments = list(
        Assignment.objects.open()
        .filter(pk__in=piece.payload)
        .select_related("solution__problem")
        .prefetch_related(Prefetch("solution__steps", queryset=own_steps))
        .order_by("id")
    )
    solutions = [assignment.solution for assignment in assignments]
    ungraded = [solution for solution in solutions if not solution.grader]
    grade(ungraded)
    judged = _judge_each(judge, traces_of(solutions))

    def write() -> runs.Made:
        Solution.objects.bulk_update(ungraded, ["is_correct", "grader"])
        return _write(labeler, list(zip(assignments, judged, strict=True)))

    return write


def traces_of(solutions: Sequence[Solution]) -> list[Trace]:
    """Return what a judge may see of each solution, whose own steps are prefetched."""
    problems = {solution.problem_id for solution in solutions}
    answers: dict[int, Counter[str]] = defaultdict(Counter)
    for problem_id, answer, count in (
        Solution.objects.filter(problem__in=problems)
        .exclude(final_answer=None)
        .values_list("problem", "final_answer")
        .annotate(Sum("times_drawn"))
    ):
        answers[problem_id][answer] += count
    return [
        Trace(
            problem=solution.problem.text,
            reference_answer=solution.problem.reference_answer,
            steps=tuple(step.text for step in solution.steps.all()),
            final_answer=solution.final_answer,
            answer_counts=answers[solution.problem_id] - Counter(_stated(solution)),
        )
        for solution in solutions
    ]


def _stated(solution: Solution) -> list[str]:
    return [] if solution.final_answer is None else [solution.final_answer]


def _judge_each(judge: Judge, traces: Sequence[Trace]) -> list[Judgement | Exception]:
    """Judge all at once, or one by one where the judge breaks on some of them."""
    try:
        return _checked(judge, traces)
    except Exception:  # noqa: BLE001 - a judge is a plug-in: what it breaks on is found below
        judged: list[Judgement | Exception] = []
        for trace in traces:
            try:
                judged += _checked(judge, [trace])
            except Exception as error:  # noqa: BLE001 - kept as this solution's reason
                judged.append(error)
        return judged


def _checked(judge: Judge, traces: Sequence[Trace]) -> list[Judgement | Exception]:
    """Return one judgement for each trace that can be kept, or raise ValueError."""
    judged: list[Judgement | Exception] = []
    for trace, judgement in zip(traces, judge.judge(traces), strict=True):
        if len(judgement.steps) > len(trace.steps):
            raise ValueError(f"{len(judgement.steps)} marks for {len(trace.steps)} steps")
        for mark in judgement.steps:
            if mark.rating not in (-1, 0, 1, None):
                raise ValueError(f"a rating is -1, 0, 1 or None, not {mark.rating!r}")
        json.dumps(judgement.evidence, allow_nan=False)
        judged.append(judgement)
    return judged


def _write(
    labeler: Labeler, judged: Sequence[tuple[Assignment, Judgement | Exception]]
) -> runs.Made:
    """Submit the judgements through the door that people's marks take. Needs a transaction."""
    broken = {pair[0].pk: pair[1] for pair in judged if isinstance(pair[1], Exception)}
    failures = []
    for assignment in Assignment.objects.select_for_update().filter(pk__in=broken).order_by("id"):
        reason = f"{type(broken[assignment.pk]).__name__}: {broken[assignment.pk]}"
        Assignment.close([assignment], Assignment.State.FAILED, reason)
        failures.append(runs.Failure(entry=assignment.pk, reason=reason))
    submissions = [
        _submission(assignment, judgement)
        for assignment, judgement in judged
        if not isinstance(judgement, Exception)
    ]
    submit(labeler=labeler, submissions=submissions)
    return runs.Made(done=len(submissions), failures=failures)


def _submission(assignment: Assignment, judgement: Judgement) -> Submission:
    return Submission(
        assignment_id=assignment.pk,
        marks=judgement.steps,
        finish_reason=_finish_reason(assignment.solution, judgement),
        score=judgement.score,
        evidence=judgement.evidence,
    )


def _finish_reason(solution: Solution, judgement: Judgement) -> str:
    if any(mark.rating == -1 for mark in judgement.steps):
        return Annotation.FinishReason.FOUND_ERROR
    return Annotation.FinishReason.SOLUTION if solution.is_correct else ""
