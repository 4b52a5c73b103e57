"""Marking by model labelers: a request becomes a Run, its slices become Annotations."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from time import monotonic
from typing import Any

from django.db import transaction
from django.db.models import Prefetch, Sum

from annotation import labelling_plans, route_runs, routing, run_pace, run_plans, runs
from annotation.grading import grade
from annotation.models import (
    Annotation,
    Assignment,
    Project,
    Run,
    RunSlice,
    Solution,
    Step,
)
from annotation.submission import Submission, submit
from labelers.engines import EngineNotStarted
from labelers.engines.base import storable
from labelers.judges import get_judge
from labelers.judges.base import Judge
from labelers.judges.checking import checked
from labelers.models import Labeler
from labelers.price import price_of
from labelers.prompts import SHOWING_ANSWER
from labelers.registration import BadConfiguration, make_judge
from labelers.spending import metered
from labelers.trace import Cost, Judgement, Trace, Unjudged
from web.models import User
from web.registry import UnknownName

NOTHING = Cost()


def request(
    *,
    project: Project,
    labeler: Labeler,
    user: User | None = None,
    budget: Decimal | None = None,
    reason: str = routing.BY_HAND,
    resumes: bool = True,
) -> Run:
    """Open or extend the Run in which `labeler`, a model, marks every written solution.

    `budget`, in the currency of the labeler's price, takes the place of the one before; the Run
    pauses when that much is spent. Raises NotNow where there is no price, or it is spent. Without
    `resumes` it is the route that asks: a Run that somebody or its budget has stopped gets more to
    do, and stays stopped, and what failed is not tried again; one that has finished but spent its
    budget waits for a larger one; one that it begins is the route's (`route_runs`).
    """
    wanted = {"labeler": str(labeler.uuid), "name": labeler.name, "judge": labeler.judge}
    price, judge = price_of(labeler.config), get_judge(labeler.judge)
    if price is not None:
        wanted["currency"] = price.currency
    with transaction.atomic():
        run = run_plans.open_run(
            project=project,
            kind=Run.Kind.LABELLING,
            identity={"labeler": wanted["labeler"]},
            request=wanted,
            user=user,
        )
        if resumes:
            route_runs.leave_to_people(run)
        elif not run.slices.exists() or (route_runs.ROUTE in run.request and not run.is_stopped):
            route_runs.leave_to_route(run)
        goes_on = resumes or not (run.is_held or run.is_over_budget)
        if goes_on:
            run_pace.set_budget(run, budget)
        if judge.needs_own_worker(labeler.config):
            run.queue = "local"
            run.save(update_fields=["queue"])
        again = run_plans.take_back_failures(run) if resumes else []
        open_again(again)
        slices = labelling_plans.again(again, judge.batch_size)
        run_plans.add_slices(run, slices, settles=False)
        labelling_plans.ask_for_all(
            run=run, labeler=labeler, batch_size=judge.batch_size, reason=reason
        )
        if goes_on:
            run.settle()
        else:
            run.hold()
    return run


def open_again(entries: Sequence[Any]) -> None:
    """Open the assignments among `entries` that their judge could not mark."""
    slots = [entry for entry in entries if isinstance(entry, int)]
    failed = Assignment.objects.filter(pk__in=slots, state=Assignment.State.FAILED)
    failed.update(state=Assignment.State.OPEN, error="")


def plan_again(run: Run, entries: Sequence[Any]) -> None:
    """Plan `entries`, which failed in a locked Run, in batches of the judge's size.

    The assignments that the judge could not mark are opened. Raises NotNow where the judge is not
    there any more.
    """
    try:
        size = get_judge(run.request["judge"]).batch_size
    except UnknownName as error:
        raise run_pace.NotNow(str(error)) from error
    slices = labelling_plans.again(entries, size)
    open_again(entries)
    run_plans.add_slices(run, slices, settles=False)
    run_plans.recount(run)


def judge_slice(piece: RunSlice) -> Callable[[], runs.Made]:
    """Judge the solutions of one slice; what it returns submits the judgements.

    One that plans what the Run is to do plans on.
    """
    labeler = Labeler.objects.get(uuid=piece.run.request["labeler"])
    try:
        if plan := labelling_plans.plan_in(piece):
            size = get_judge(labeler.judge).batch_size
            plan = labelling_plans.count_rest(piece.run.project, labeler, plan)
            return partial(_plan_on, piece, labeler, plan, size)
        judge = make_judge(labeler.judge, labeler.config)
    except (BadConfiguration, EngineNotStarted, UnknownName) as error:
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
    traces = traces_of(solutions)
    began = monotonic()
    with metered() as meter:
        judged = _judge_each(judge, traces)
    work_ms = round((monotonic() - began) * 1000 / max(1, len(traces)))

    def write() -> runs.Made:
        Solution.objects.bulk_update(ungraded, ["is_correct", "grader"])
        outcomes = list(zip(assignments, judged, strict=True))
        return _write(labeler, outcomes, work_ms, spent=meter.cost)

    return write


def _plan_on(piece: RunSlice, labeler: Labeler, plan: labelling_plans.Plan, size: int) -> runs.Made:
    """Plan the next part of a Run, and a slice for what is left. Needs a transaction."""
    run = Run.objects.select_for_update().get(pk=piece.run_id)
    if run.is_stopped or piece.number < run.tries_from:
        raise runs.NotToBeDone
    labelling_plans.go_on(run=run, labeler=labeler, plan=plan, batch_size=size, piece=piece)
    return runs.Made(done=0)


def traces_of(solutions: Sequence[Solution]) -> list[Trace]:
    """Return what a judge may see of each solution, whose own steps are prefetched."""
    problems = {solution.problem_id for solution in solutions}
    answers: dict[int, Counter[str]] = defaultdict(Counter)
    for problem_id, answer, count in (
        Solution.objects.filter(problem__in=problems)
        .exclude(final_answer=None)
        .exclude(prompt_name__in=SHOWING_ANSWER)  # told, not found
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
            prefixes=_prefixes(solution),
        )
        for solution in solutions
    ]


def _prefixes(solution: Solution) -> tuple[str, ...]:
    """Return the solution's text up to the end of each step, or nothing where that is not known."""
    ends = [step.end for step in solution.steps.all()]
    return tuple(solution.text[:end] for end in ends if end is not None) if None not in ends else ()


def _stated(solution: Solution) -> list[str]:
    return [] if solution.final_answer is None else [solution.final_answer]


def _judge_each(judge: Judge, traces: Sequence[Trace]) -> list[Judgement | Unjudged]:
    """Judge all at once, or one by one where the judge breaks on some of them."""
    try:
        return _checked(judge, traces)
    except Exception:  # noqa: BLE001 - a judge is a plug-in: what it breaks on is found below
        judged: list[Judgement | Unjudged] = []
        for trace in traces:
            try:
                judged += _checked(judge, [trace])
            except Exception as error:  # noqa: BLE001 - kept as this solution's reason
                reason = storable(f"{type(error).__name__}: {error}")
                passing = isinstance(error, runs.PASSING)
                judged.append(Unjudged(reason=reason, transient=passing))
        return judged


def _checked(judge: Judge, traces: Sequence[Trace]) -> list[Judgement | Unjudged]:
    """Return what became of each trace, with a reason in place of what cannot be kept."""
    return [
        checked(judged, step_count=len(trace.steps))
        for trace, judged in zip(traces, judge.judge(traces), strict=True)
    ]


def _write(
    labeler: Labeler,
    judged: Sequence[tuple[Assignment, Judgement | Unjudged]],
    work_ms: int,
    *,
    spent: Cost = NOTHING,
) -> runs.Made:
    """Submit the judgements through the door that people's marks take. Needs a transaction.

    What failed stays open until the Run gives it up (`unmarked`). `spent` is all that was asked of
    engines, a first try that broke included: of it the Run counts at least what is named as the
    cost of each solution.
    """
    submissions = [
        _submission(assignment, judgement, work_ms)
        for assignment, judgement in judged
        if isinstance(judgement, Judgement)
    ]
    submit(labeler=labeler, submissions=submissions)
    cost = sum((one.cost for _, one in judged), Cost()).at_least(spent)
    price = price_of(labeler.config)
    return runs.Made(
        done=len(submissions),
        failures=[
            _failure(assignment.pk, one) for assignment, one in judged if isinstance(one, Unjudged)
        ],
        prompt_tokens=cost.prompt_tokens,
        completion_tokens=cost.completion_tokens,
        calls=cost.calls,
        estimated_calls=cost.estimated_calls,
        money=Decimal(0) if price is None else price.money(cost),
    )


def _failure(entry: Any, unjudged: Unjudged) -> runs.Failure:
    return runs.Failure(
        entry=entry,
        reason=unjudged.reason,
        transient=unjudged.transient,
        retry_after_s=unjudged.retry_after_s,
        stops_run=unjudged.stops_run,
    )


def _submission(assignment: Assignment, judgement: Judgement, work_ms: int) -> Submission:
    return Submission(
        assignment_id=assignment.pk,
        marks=judgement.steps,
        finish_reason=_finish_reason(assignment.solution, judgement),
        score=judgement.score,
        evidence=judgement.evidence,
        cost=judgement.cost,
        work_ms=work_ms,
    )


def _finish_reason(solution: Solution, judgement: Judgement) -> str:
    if any(mark.rating == -1 for mark in judgement.steps):
        return Annotation.FinishReason.FOUND_ERROR
    if 0 < len(judgement.steps) < len(solution.steps.all()):
        return ""  # judged in part: nobody looked at how it ends
    if all(mark.rating is None for mark in judgement.steps):
        return ""  # a prior of the solution: no step was looked at
    return Annotation.FinishReason.SOLUTION if solution.is_correct else ""
