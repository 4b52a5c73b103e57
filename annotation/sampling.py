"""Asking for solutions: a request becomes a Run, cut into the batches that will be drawn.

The same request twice is the same Run: it resumes what was broken off, draws again what a
busy server refused, adds what new problems or a larger number ask for, and nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from inspect import signature
from itertools import chain, islice
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Length

from annotation import run_plans, steps
from annotation.models import Problem, Project, Run
from annotation.models.content import ProblemQuerySet
from labelers.engines import get_engine
from labelers.engines.base import Decoding
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
    only_unsolved: bool = False
    """Leave out problems of which a solution is right already."""
    continue_solution: int | None = None
    """Draw continuations of this solution's first `continue_steps` steps, and nothing else."""
    continue_steps: int = 0

    def __post_init__(self) -> None:
        if self.solutions_a_problem < 1:
            raise ValueError(f"at least 1 solution a problem, not {self.solutions_a_problem}")
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more, not {self.batch_size}")
        if self.continue_steps < 0:
            raise ValueError(f"a prefix has 0 steps or more, not {self.continue_steps}")

    @property
    def batch_size(self) -> int | None:
        size: int | None = self.engine_config.get("batch_size")
        return size

    @property
    def written_by(self) -> dict[str, Any]:
        """The part of the engine's configuration that decides what is written."""
        return {name: self.engine_config.get(name) for name in ("model", "chat")}

    def identity(self) -> dict[str, Any]:
        """What makes this request and no other: all but how many, and how it is carried out."""
        whole = self.as_json()
        del whole["solutions_a_problem"], whole["only_unsolved"]
        whole["engine_config"] = self.written_by
        whole["prompt_template"] = get_prompt(self.prompt).template
        return whole

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "engine_config": dict(self.engine_config)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "SamplingRequest":
        decoding = {**value["decoding"], "stop": tuple(value["decoding"]["stop"])}
        return cls(**{**value, "decoding": Decoding(**decoding)})


def request(*, project: Project, wanted: SamplingRequest, user: User | None = None) -> Run:
    """Open or extend the Run for `wanted`. What cannot be done raises ValueError, unplanned."""
    engine = get_engine(wanted.engine)
    prompt = get_prompt(wanted.prompt)
    lookup("splitter", steps.SPLITTERS, wanted.splitter or prompt.splitter)
    check_configuration(wanted)
    _check_prefix(project, wanted)
    if prompt.shows_answer and not _problems(project, wanted).exists():
        raise ValueError(
            f"the prompt {prompt.name} shows the reference answer, and no problem of"
            f" {project.slug} that is asked for has one"
        )
    with transaction.atomic():
        run = run_plans.open_run(
            project=project,
            kind=Run.Kind.SAMPLING,
            identity=wanted.identity(),
            request=wanted.as_json(),
            user=user,
        )
        run.queue = "local" if engine.needs_own_worker else "stepmark"
        run.save(update_fields=["queue"])
        again = run_plans.take_back_failures(run)
        draws = chain(again, _unplanned(run, wanted))
        run_plans.add_slices(run, _batches(draws, engine.batch_size, wanted))
    return run


def check_configuration(wanted: SamplingRequest) -> None:
    """Raise ValueError where the engine is not known, or does not take its configuration."""
    try:
        signature(get_engine(wanted.engine)).bind(**wanted.engine_config)
    except TypeError as error:
        raise ValueError(f"the engine {wanted.engine!r}: {error}") from error


def _check_prefix(project: Project, wanted: SamplingRequest) -> None:
    if wanted.continue_solution is None:
        return
    solution = project.solutions.filter(pk=wanted.continue_solution).first()
    if solution is None:
        raise ValueError(f"{project.slug} has no solution {wanted.continue_solution}")
    count = solution.steps.filter(alternative=0).count()
    if count < wanted.continue_steps:
        raise ValueError(f"{solution} has {count} steps, not {wanted.continue_steps}")


def _problems(project: Project, wanted: SamplingRequest) -> ProblemQuerySet:
    problems = Problem.objects.filter(project=project)
    if wanted.continue_solution is not None:
        problems = problems.filter(solutions=wanted.continue_solution)
    if get_prompt(wanted.prompt).shows_answer:
        problems = problems.with_reference_answer()
    return problems


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
    problems = _problems(run.project, wanted).order_by(Length("text"), "id")
    if wanted.only_unsolved:
        problems = problems.unsolved()
    for problem_id in problems.values_list("id", flat=True).iterator():
        for index in range(planned.get(problem_id, 0), wanted.solutions_a_problem):
            yield problem_id, index


def _batches(
    draws: Iterable[Sequence[int]], batch_size: int, wanted: SamplingRequest
) -> Iterator[list[Sequence[int]]]:
    """Cut draws into the batches that the engine will be given, whole, in every attempt."""
    size = wanted.batch_size or batch_size
    iterator = iter(draws)
    while batch := list(islice(iterator, size)):
        yield batch
