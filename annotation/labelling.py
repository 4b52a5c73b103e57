"""Marking by model labelers: a request becomes a Run, its slices become Annotations."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from django.db import transaction
from django.db.models import Count, Prefetch

from annotation import routing, runs
from annotation.models import Annotation, Assignment, Project, Run, RunSlice, Solution, Step
from annotation.submission import Submission, submit
from labelers.judges.base import Judge
from labelers.models import Labeler
from labelers.registration import make_judge
from labelers.trace import Judgement, Trace
from web.models import User

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
        ids = routing.route_to(project=project, labeler=labeler, reason="asked for by hand")
        starts = range(0, len(ids), SOLUTIONS_A_SLICE)
        runs.add_slices(run, (ids[start : start + SOLUTIONS_A_SLICE] for start in starts))
    return run


def judge_slice(piece: RunSlice) -> Callable[[], runs.Made]:
    """Judge the solutions of one slice; what it returns submits the judgements."""
    labeler = Labeler.objects.get(uuid=piece.run.request["labeler"])
    judge = make_judge(labeler.judge, labeler.config)
    own_steps = Step.objects.filter(alternative=0).order_by("position")
    assignments = list(
        Assignment.objects.open()
        .filter(pk__in=piece.payload)
        .select_related("solution__problem")
        .prefetch_related(Prefetch("solution__steps", queryset=own_steps))
        .order_by("id")
    )
    traces = traces_of([assignment.solution for assignment in assignments])
    judged = _judge_each(judge, traces)
    return partial(_write, piece, labeler, list(zip(assignments, judged, strict=True)))


def traces_of(solutions: Sequence[Solution]) -> list[Trace]:
    """Return what a judge may see of each solution, whose own steps are prefetched."""
    problems = {solution.problem_id for solution in solutions}
    answers: dict[int, Counter[str]] = defaultdict(Counter)
    for problem_id, answer, count in (
        Solution.objects.filter(problem__in=problems)
        .exclude(final_answer=None)
        .values_list("problem", "final_answer")
        .annotate(Count("id"))
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
    """Return one judgement for each trace, none with more marks than steps, or raise ValueError."""
    judged: list[Judgement | Exception] = []
    for trace, judgement in zip(traces, judge.judge(traces), strict=True):
        if len(judgement.steps) > len(trace.steps):
            raise ValueError(f"{len(judgement.steps)} marks for {len(trace.steps)} steps")
        judged.append(judgement)
    return judged


def _write(
    piece: RunSlice,
    labeler: Labeler,
    judged: Sequence[tuple[Assignment, Judgement | Exception]],
) -> runs.Made:
    """Submit the judgements through the door that people's marks take. Needs a transaction."""
    failures = []
    submissions = []
    for assignment, judgement in judged:
        if isinstance(judgement, Exception):
            reason = f"{type(judgement).__name__}: {judgement}"
            Assignment.close([assignment], Assignment.State.FAILED, reason)
            failures.append(runs.Failure(entry=assignment.pk, reason=reason))
        else:
            submissions.append(_submission(assignment, judgement))
    submit(labeler=labeler, submissions=submissions)
    return runs.Made(done=len(piece.payload) - len(failures), failures=failures)


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
