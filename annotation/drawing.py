"""Drawing solutions: a slice of a sampling Run becomes Solutions and Steps."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import F

from annotation import runs, steps
from annotation.digests import digest, json_digest
from annotation.grading import grade
from annotation.models import Problem, Run, RunSlice, Solution, Step
from annotation.sampling import SamplingRequest
from labelers import answers
from labelers.engines import EngineNotStarted, kept_engine
from labelers.engines.base import Completion, Decoding, Draw, DrawFailure, Engine
from labelers.prompts import ANSWER_PLACE, Prompt, get_prompt
from web.registry import UnknownName

HINT = "hint"
"""Where a solution's metadata has the answer that its model was shown."""


def seed_of(run_key: UUID, seed: int, problem: Problem, index: int) -> int:
    """Return the 31-bit seed of one draw: the same in every attempt, on every machine."""
    key = digest(str(run_key), str(seed), str(problem.key), str(problem.solution_key), str(index))
    return key.int >> 97


def engine_for(wanted: SamplingRequest) -> Engine:
    """Return the engine of a request, ready to draw; CannotRun says why it is not."""
    try:
        return kept_engine(wanted.engine, wanted.engine_config)
    except (EngineNotStarted, UnknownName) as error:
        raise runs.CannotRun(str(error)) from error


def prefix_of(solution: Solution, step_count: int) -> str:
    """Return a solution's text up to where the step after the first `step_count` begins."""
    own = list(solution.steps.filter(alternative=0).order_by("position")[: step_count + 1])
    if len(own) < step_count:
        raise ValueError(f"{solution} has {len(own)} steps, not {step_count}")
    if step_count == 0:
        return ""
    end = own[step_count].start if len(own) > step_count else own[-1].end
    return solution.text[:end]


@dataclass(frozen=True, slots=True)
class Writer:
    """What the draws of one Run have in common."""

    run: Run
    wanted: SamplingRequest
    prompt: Prompt
    decoding: Decoding
    prefix: str
    model: str
    parameters: dict[str, Any]
    key: UUID

    @classmethod
    def of(cls, run: Run) -> "Writer":
        wanted = SamplingRequest.from_json(run.asked)
        prompt = get_prompt(wanted.prompt)
        decoding = wanted.decoding
        if not decoding.stop:
            decoding = replace(decoding, stop=prompt.stop)
        prefix = ""
        if wanted.continue_solution is not None:
            solution = run.project.solutions.get(pk=wanted.continue_solution)
            prefix = prefix_of(solution, wanted.continue_steps)
        model = str(wanted.engine_config.get("model", wanted.engine))
        parameters = {
            **asdict(decoding),
            "stop": list(decoding.stop),
            "chat": wanted.written_by["chat"],
            "prompt_template": str(digest(prompt.template)),
            "prefix": str(digest(prefix)) if prefix else None,
        }
        key = json_digest([wanted.engine, model, wanted.prompt, parameters])
        return cls(run, wanted, prompt, decoding, prefix, model, parameters, key)

    def draw(self, problem: Problem, index: int) -> Draw:
        return Draw(
            prompt=self.prompt.render(problem.text, problem.reference_answer),
            seed=seed_of(self.run.request_key, self.wanted.seed, problem, index),
            prefix=self.prefix,
        )

    def solution(self, problem: Problem, draw: Draw, made: Completion) -> "Drawn":
        """Return the unsaved Solution of one draw, not graded yet, with its split."""
        text = draw.prefix + made.text
        split = steps.split(text, self.wanted.splitter or self.prompt.splitter)
        solution = Solution(
            project=self.run.project,
            problem=problem,
            text=text,
            text_key=digest(text),
            splitter=split.splitter,
            splitter_version=split.version,
            engine=self.wanted.engine,
            model=self.model,
            prompt_name=self.wanted.prompt,
            prompt_text=self._without_hint(made.prompt_text, problem),
            metadata={HINT: problem.reference_answer} if self.prompt.shows_answer else {},
            parameters=self.parameters,
            writer_key=self.key,
            seed=draw.seed,
            prompt_tokens=made.prompt_tokens,
            completion_tokens=made.completion_tokens,
            stopped_by=made.finish_reason,
            times_drawn=0,
            run=self.run,
            final_answer=answers.extract(text),
        )
        return solution, split

    def _without_hint(self, prompt_text: str, problem: Problem) -> str:
        """Return the prompt with `{answer}` where it shows the answer: whoever may see the one
        need not be one who may see the other.
        """
        if not self.prompt.shows_answer:
            return prompt_text
        shown = self.prompt.render(problem.text, problem.reference_answer)
        kept = self.prompt.render(problem.text, ANSWER_PLACE)
        # Where an engine changed the text (a special token in it), the rest of its template goes.
        return prompt_text.replace(shown, kept) if shown in prompt_text else kept


Drawn = tuple[Solution, steps.Split]


def draw_slice(piece: RunSlice) -> Callable[[], runs.Made]:
    """Draw the texts of one slice; what it returns writes them."""
    writer = Writer.of(piece.run)
    problems = Problem.objects.in_bulk([problem_id for problem_id, _ in piece.payload])
    entries = [entry for entry in piece.payload if entry[0] in problems]
    draws = [writer.draw(problems[problem_id], index) for problem_id, index in entries]
    made = engine_for(writer.wanted).generate(draws, writer.decoding)
    solutions: list[Drawn] = []
    failures: list[runs.Failure] = []
    for entry, draw, outcome in zip(entries, draws, made, strict=True):
        if isinstance(outcome, DrawFailure):
            failure = runs.Failure(
                entry=entry,
                reason=outcome.reason,
                transient=outcome.transient,
                retry_after_s=outcome.retry_after_s,
                stops_run=outcome.stops_run,
            )
            failures.append(failure)
            continue
        drawn = writer.solution(problems[entry[0]], draw, outcome)
        if drawn[1].steps:
            solutions.append(drawn)
        else:
            failures.append(runs.Failure(entry=entry, reason="the model wrote no step"))
    grade([solution for solution, _ in solutions])
    return partial(_write, solutions, failures, made)


def _write(
    solutions: Sequence[Drawn],
    failures: Sequence[runs.Failure],
    drawn: Sequence[Completion | DrawFailure],
) -> runs.Made:
    """Save what was drawn: one row for each text, counted. Needs a transaction."""
    completions = [made for made in drawn if isinstance(made, Completion)]
    keep_drawn(solutions)
    return runs.Made(
        done=len(solutions),
        failures=failures,
        prompt_tokens=sum(made.prompt_tokens for made in completions),
        completion_tokens=sum(made.completion_tokens for made in completions),
        calls=len(drawn),
    )


def keep_drawn(solutions: Sequence[Drawn]) -> None:
    """Insert the solutions that are new with their steps, and count every draw of each text.

    Rows are inserted and locked in the order of their keys, so that two slices that drew the
    same texts wait for each other instead of deadlocking.
    """
    if not solutions:
        return
    counts = Counter(_place(solution) for solution, _ in solutions)
    first = {_place(solution): (solution, split) for solution, split in reversed(solutions)}
    ordered = [first[place] for place in sorted(first)]
    Solution.objects.bulk_create([solution for solution, _ in ordered], ignore_conflicts=True)
    kept = {
        _place(row): row
        for row in Solution.objects.filter(
            problem__in={solution.problem_id for solution, _ in ordered},
            writer_key=ordered[0][0].writer_key,
            text_key__in=[solution.text_key for solution, _ in ordered],
        )
        .select_for_update(of=("self",))
        .order_by("problem_id", "text_key", "writer_key")
    }
    new_steps: list[Step] = []
    for place, (_, split) in first.items():
        row = kept[place]
        if row.times_drawn == 0:
            new_steps += own_steps(row, split)
        Solution.objects.filter(pk=row.pk).update(times_drawn=F("times_drawn") + counts[place])
    Step.objects.bulk_create(new_steps)


def _place(solution: Solution) -> tuple[int, UUID, UUID]:
    return solution.problem_id, solution.text_key, solution.writer_key


def own_steps(solution: Solution, split: steps.Split) -> list[Step]:
    """Return the unsaved Steps of a solution's own text."""
    return [
        Step(
            solution=solution,
            position=position,
            text=span.text,
            start=span.start,
            end=span.end,
        )
        for position, span in enumerate(split.steps)
    ]
