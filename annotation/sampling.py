"""Drawing solutions: a request becomes a Run, its slices become Solutions and Steps.

The same request twice is the same Run: it resumes what was broken off, draws again what a
busy server refused, adds what new problems or a larger number ask for, and nothing else.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache, partial
from itertools import islice
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Length

from annotation import runs, steps
from annotation.digests import digest, json_digest
from annotation.models import Problem, Project, Run, RunSlice, Solution, Step
from labelers import answers
from labelers.engines import get_engine
from labelers.engines.base import Completion, Decoding, Draw, DrawFailure, Engine
from labelers.prompts import get_prompt
from web.models import User
from web.registry import lookup


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingRequest:
    """What to draw for each problem of a project."""

    engine: str
    engine_config: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the engine; `model` is part of the writer, the rest is not."""
    prompt: str = "zero_shot_cot"
    decoding: Decoding = field(default_factory=Decoding)
    solutions_a_problem: int = 4
    seed: int = 0
    splitter: str = ""
    """Empty: the one that suits the prompt."""
    continue_solution: int | None = None
    """Draw continuations of this solution's first `continue_steps` steps, and nothing else."""
    continue_steps: int = 0

    def identity(self) -> dict[str, Any]:
        """What makes this request and no other: all but how many, and how it is carried out."""
        whole = self.as_json()
        del whole["solutions_a_problem"]
        whole["engine_config"] = {"model": self.engine_config.get("model")}
        whole["prompt_template"] = get_prompt(self.prompt).template
        return whole

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "engine_config": dict(self.engine_config)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "SamplingRequest":
        decoding = {**value["decoding"], "stop": tuple(value["decoding"]["stop"])}
        return cls(**{**value, "decoding": Decoding(**decoding)})


def request(*, project: Project, wanted: SamplingRequest, user: User | None = None) -> Run:
    """Open or extend the Run for `wanted`. Unknown names raise UnknownName."""
    engine = get_engine(wanted.engine)
    prompt = get_prompt(wanted.prompt)
    lookup("splitter", steps.SPLITTERS, wanted.splitter or prompt.splitter)
    with transaction.atomic():
        run = runs.open_run(
            project=project,
            kind=Run.Kind.SAMPLING,
            identity=wanted.identity(),
            request=wanted.as_json(),
            user=user,
        )
        run.queue = "local" if engine.needs_own_worker else "stepmark"
        run.save(update_fields=["queue"])
        again = runs.take_back_transient_failures(run)
        draws = [*again, *_unplanned(run, wanted)]
        runs.add_slices(run, _batches(draws, engine.batch_size, wanted))
    return run


def _unplanned(run: Run, wanted: SamplingRequest) -> Iterator[tuple[int, int]]:
    """Yield (problem id, index) of every draw that no slice of the Run holds yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (entry->>0)::bigint, max((entry->>1)::int) + 1"
            " FROM annotation_runslice, jsonb_array_elements(payload) AS entry"
            " WHERE run_id = %s GROUP BY 1",
            [run.pk],
        )
        planned: dict[int, int] = dict(cursor.fetchall())
    # By length: prompts of one batch are padded to the longest.
    problems = run.project.problems.order_by(Length("text"), "id")
    if wanted.continue_solution is not None:
        problems = problems.filter(solutions=wanted.continue_solution)
    for problem_id in problems.values_list("id", flat=True).iterator():
        for index in range(planned.get(problem_id, 0), wanted.solutions_a_problem):
            yield problem_id, index


def _batches(
    draws: Iterable[Sequence[int]], batch_size: int, wanted: SamplingRequest
) -> Iterator[list[Sequence[int]]]:
    """Cut draws into the batches that the engine will be given, whole, in every attempt."""
    size = int(wanted.engine_config.get("batch_size", batch_size))
    iterator = iter(draws)
    while batch := list(islice(iterator, size)):
        yield batch


def seed_of(run_key: UUID, seed: int, problem: Problem, index: int) -> int:
    """Return the 31-bit seed of one draw: the same in every attempt, on every machine."""
    key = digest(str(run_key), str(seed), str(problem.key), str(problem.solution_key), str(index))
    return key.int >> 97


@lru_cache(maxsize=1)
def _engine(name: str, config_json: bytes) -> Engine:
    """Return an engine, kept for the next slice: loading a model takes longer than a slice."""
    try:
        return get_engine(name)(**orjson.loads(config_json))
    except (ImportError, OSError, TypeError, ValueError) as error:
        raise runs.CannotRun(f"the engine {name!r} does not start: {error}") from error


def engine_for(wanted: SamplingRequest) -> Engine:
    """Return the engine of a request, ready to draw; CannotRun says why it is not."""
    config = orjson.dumps(dict(wanted.engine_config), option=orjson.OPT_SORT_KEYS)
    return _engine(wanted.engine, config)


def prefix_of(solution: Solution, step_count: int) -> str:
    """Return a solution's text up to where the step after the first `step_count` begins."""
    own = list(solution.steps.filter(alternative=0).order_by("position")[: step_count + 1])
    if len(own) < step_count:
        raise runs.CannotRun(f"{solution} has {len(own)} steps, not {step_count}")
    if step_count == 0:
        return ""
    end = own[step_count].start if len(own) > step_count else own[-1].end
    return solution.text[:end]


def draw_slice(piece: RunSlice) -> Callable[[], runs.Made]:
    """Draw the texts of one slice; what it returns writes them."""
    run = piece.run
    wanted = SamplingRequest.from_json(run.request)
    prompt = get_prompt(wanted.prompt)
    prefix = ""
    if wanted.continue_solution is not None:
        solution = run.project.solutions.get(pk=wanted.continue_solution)
        prefix = prefix_of(solution, wanted.continue_steps)
    problems = Problem.objects.in_bulk([problem_id for problem_id, _ in piece.payload])
    entries = [entry for entry in piece.payload if entry[0] in problems]
    draws = [
        Draw(
            prompt=prompt.render(problems[problem_id].text),
            seed=seed_of(run.request_key, wanted.seed, problems[problem_id], index),
            prefix=prefix,
        )
        for problem_id, index in entries
    ]
    decoding = wanted.decoding
    if not decoding.stop and prompt.stop:
        decoding = Decoding(**{**asdict(decoding), "stop": prompt.stop})
    engine = engine_for(wanted)
    drawn = engine.generate(draws, decoding)
    solutions, failures = _solutions(run, wanted, decoding, problems, entries, draws, drawn)
    return partial(_write, solutions, failures, drawn)


def _solutions(
    run: Run,
    wanted: SamplingRequest,
    decoding: Decoding,
    problems: Mapping[int, Problem],
    entries: Sequence[Any],
    draws: Sequence[Draw],
    drawn: Sequence[Completion | DrawFailure],
) -> tuple[list[tuple[Solution, steps.Split]], list[runs.Failure]]:
    """Turn what was drawn into unsaved Solutions with their steps, and failures."""
    prompt = get_prompt(wanted.prompt)
    parameters = {
        **asdict(decoding),
        "stop": list(decoding.stop),
        "prompt_template": str(digest(prompt.template)),
        "prefix": str(digest(draws[0].prefix)) if draws and draws[0].prefix else None,
    }
    model = str(wanted.engine_config.get("model", wanted.engine))
    writer_key = json_digest([wanted.engine, model, wanted.prompt, parameters])
    solutions: list[tuple[Solution, steps.Split]] = []
    failures: list[runs.Failure] = []
    for entry, draw, made in zip(entries, draws, drawn, strict=True):
        if isinstance(made, DrawFailure):
            failures.append(runs.Failure(entry=entry, reason=made.reason, transient=made.transient))
            continue
        text = draw.prefix + made.text
        split = steps.split(text, wanted.splitter or prompt.splitter)
        if not split.steps:
            failures.append(runs.Failure(entry=entry, reason="the model wrote no step"))
            continue
        solution = Solution(
            project=run.project,
            problem=problems[entry[0]],
            text=text,
            text_key=digest(text),
            splitter=split.splitter,
            splitter_version=split.version,
            engine=wanted.engine,
            model=model,
            prompt_name=wanted.prompt,
            prompt_text=made.prompt_text,
            parameters=parameters,
            writer_key=writer_key,
            seed=draw.seed,
            prompt_tokens=made.prompt_tokens,
            completion_tokens=made.completion_tokens,
            stopped_by=made.finish_reason,
            times_drawn=0,
            run=run,
            final_answer=answers.extract(text),
            grader=answers.GRADER,
        )
        solutions.append((solution, split))
    _grade([solution for solution, _ in solutions])
    return solutions, failures


def _grade(solutions: Sequence[Solution]) -> None:
    pairs = [(solution.final_answer, solution.problem.reference_answer) for solution in solutions]
    for solution, is_correct in zip(solutions, answers.grade(pairs), strict=True):
        solution.is_correct = is_correct


def _write(
    solutions: Sequence[tuple[Solution, steps.Split]],
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
    )


def keep_drawn(solutions: Sequence[tuple[Solution, steps.Split]]) -> None:
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
