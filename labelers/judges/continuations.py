"""What becomes of a solution's prefixes when an engine continues them: the ground of two judges.

Source: Math-Shepherd (arXiv 2312.08935), whose label of a step says whether the answer can still
be reached from there by the model that continues; not whether the step is right.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, NamedTuple

from labelers import answers
from labelers.engines import kept_engine
from labelers.engines.base import Completion, Decoding, Draw, DrawFailure
from labelers.judges.base import ENGINE, Judge, draw, unjudged, worst
from labelers.prompts import PROMPTS, SHOWING_ANSWER, get_solving_prompt
from labelers.spending import drawing_cost
from labelers.trace import Cost, StepJudgement, Trace, Unjudged

SETTINGS: Mapping[str, Any] = {
    **ENGINE,
    "prompt": {
        "enum": [name for name in PROMPTS if name not in SHOWING_ANSWER],
        "description": "What the engine is asked; its stop strings.",
    },
    "rollouts": {"type": "integer", "minimum": 1, "maximum": 1024},
    "threshold": {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
    "temperature": {"type": "number", "minimum": 0},
    "top_p": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    "max_tokens": {"type": "integer", "minimum": 1},
    "seed": {"type": "integer"},
}
"""The settings of a judge that continues prefixes."""


class Prefix(NamedTuple):
    """What an engine continues: draws from equal prefixes are shared."""

    problem: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The answers that were reached from one prefix, and how many of them are right."""

    answers: tuple[str | None, ...]
    hits: int
    drawn: bool = True
    """False for the whole solution: the one answer is that which it states itself."""

    @property
    def share(self) -> float:
        """The soft label: between 0 and 1."""
        return self.hits / len(self.answers)


class Completer:
    """Who continues, and how.

    Raises EngineNotStarted where the engine is not ready to draw, and ValueError for a decoding
    that no engine can follow.
    """

    def __init__(
        self,
        *,
        engine: str,
        engine_config: Mapping[str, Any] | None = None,
        prompt: str = "zero_shot_cot",
        rollouts: int = 8,
        temperature: float = 0.7,
        top_p: float = 1.0,
        max_tokens: int = 512,
        seed: int = 0,
    ) -> None:
        config = dict(engine_config or {})
        self.prompt = get_solving_prompt(prompt)
        self.decoding = Decoding(
            temperature=temperature, top_p=top_p, max_tokens=max_tokens, stop=self.prompt.stop
        )
        self.engine = kept_engine(engine, config)
        self.model = str(config.get("model", engine))
        self.rollouts = rollouts
        self.seed = seed

    def evidence(self) -> dict[str, Any]:
        return {
            "engine": self.engine.name,
            "model": self.model,
            "prompt": self.prompt.name,
            "decoding": asdict(self.decoding) | {"stop": list(self.decoding.stop)},
            "seed": self.seed,
            "rollouts": self.rollouts,
            "grader": answers.GRADER,
        }

    def draw(
        self, prefixes: Sequence[Prefix]
    ) -> tuple[list[list[str | None] | DrawFailure], list[Cost]]:
        """Return, for each prefix, its continuations' answers or why there are none; and costs."""
        draws = [
            Draw(
                prompt=self.prompt.render(prefix.problem),
                prefix=prefix.text,
                seed=seed_of(self.seed, prefix, index),
            )
            for prefix in prefixes
            for index in range(self.rollouts)
        ]
        drawn = draw(self.engine, draws, self.decoding)
        found: list[list[str | None] | DrawFailure] = []
        costs: list[Cost] = []
        for place, prefix in enumerate(prefixes):
            outcomes = drawn[place * self.rollouts : (place + 1) * self.rollouts]
            found.append(_answers(prefix, outcomes))
            costs.append(drawing_cost(outcomes))
        return found, costs


class Estimates:
    """The estimates for a batch of traces, drawn as they are asked for, each prefix once.

    A whole solution that states an answer is not drawn from: whatever continued it, that would
    still be its answer. `costs` counts what is shared by several traces for the first alone.
    """

    def __init__(self, completer: Completer, traces: Sequence[Trace]) -> None:
        self.completer = completer
        self.traces = traces
        self.costs = [Cost() for _ in traces]
        self.known: list[dict[int, Estimate]] = [{} for _ in traces]
        """For each trace, the estimates by the number of steps in the prefix."""
        self._failures: dict[int, Unjudged] = {}
        self._drawn: dict[Prefix, list[str | None] | DrawFailure] = {}
        verdicts = answers.grade([(trace.final_answer, trace.reference_answer) for trace in traces])
        for place, (trace, is_right) in enumerate(zip(traces, verdicts, strict=True)):
            if is_right is None:
                self._failures[place] = Unjudged(reason="the problem has no reference answer")
            elif not trace.steps:
                self._failures[place] = Unjudged(reason="the solution has no steps")
            elif trace.final_answer:
                stated = Estimate(answers=(trace.final_answer,), hits=int(is_right), drawn=False)
                self.known[place][len(trace.steps)] = stated

    def open_places(self) -> list[int]:
        """Return the places of the traces that nothing has failed for."""
        return [place for place in range(len(self.traces)) if place not in self._failures]

    def failure(self, place: int) -> Unjudged | None:
        """Return why the trace at this place cannot be judged, with what was spent on it."""
        failure = self._failures.get(place)
        if failure is None:
            return None
        return replace(failure, cost=self.costs[place])

    def estimate(self, wanted: Iterable[tuple[int, int]]) -> None:
        """Fill `known` for each (place of a trace, steps in the prefix), by one engine call."""
        asked = [(place, steps) for place, steps in wanted if steps not in self.known[place]]
        owners: dict[Prefix, int] = {}
        for place, steps in asked:
            prefix = self._prefix(place, steps)
            if prefix not in self._drawn:
                owners.setdefault(prefix, place)
        if owners:
            found, costs = self.completer.draw(list(owners))
            self._drawn.update(zip(owners, found, strict=True))
            for place, cost in zip(owners.values(), costs, strict=True):
                self.costs[place] += cost
        self._grade(asked)

    def _prefix(self, place: int, steps: int) -> Prefix:
        trace = self.traces[place]
        return Prefix(trace.problem, trace.prefix(steps))

    def _grade(self, asked: Sequence[tuple[int, int]]) -> None:
        reached: list[tuple[int, int, list[str | None]]] = []
        for place, steps in asked:
            found = self._drawn[self._prefix(place, steps)]
            if isinstance(found, DrawFailure):
                reason = f"continuing after step {steps}: {found.reason}"
                # One that may not be drawn later either outweighs the others.
                if place not in self._failures or not found.transient:
                    self._failures[place] = unjudged(replace(found, reason=reason))
            else:
                reached.append((place, steps, found))
        verdicts = iter(
            answers.grade(
                [
                    (answer, self.traces[place].reference_answer)
                    for place, _, found in reached
                    for answer in found
                ]
            )
        )
        for place, steps, found in reached:
            hits = sum(next(verdicts) is True for _ in found)
            self.known[place][steps] = Estimate(answers=tuple(found), hits=hits)

    def evidence(self, place: int, threshold: float) -> dict[str, Any]:
        """Return what the marks of one trace rest on, as JSON values."""
        return self.completer.evidence() | {
            "threshold": threshold,
            "reference_answer": self.traces[place].reference_answer,
            "prefixes": [
                {
                    "steps": steps,
                    "hits": estimate.hits,
                    "answers": list(estimate.answers),
                    "drawn": estimate.drawn,
                }
                for steps, estimate in sorted(self.known[place].items())
            ],
        }


class ContinuingJudge(Judge):
    """A judge by continuations: takes SETTINGS, all but `threshold` as Completer's arguments.

    The hard label of a prefix is 1 where its soft label is over `threshold`: with 0, where any
    continuation reaches the reference answer.
    """

    needs_reference_answer: ClassVar[bool] = True
    needs_engine: ClassVar[bool] = True
    settings: ClassVar[Mapping[str, Any]] = SETTINGS
    required: ClassVar[Sequence[str]] = ("engine",)

    def __init__(self, *, threshold: float = 0.0, **completer: Any) -> None:
        self.threshold = threshold
        self.completer = Completer(**completer)


def mark(share: float, threshold: float) -> StepJudgement:
    """Return the mark of a step by its soft label: the hard one is 1 where it is over threshold."""
    return StepJudgement(rating=1 if share > threshold else -1, score=share)


def seed_of(seed: int, prefix: Prefix, index: int) -> int:
    """Return the 31-bit seed of one continuation: the same in every attempt, on every machine."""
    key = json.dumps([seed, *prefix, index]).encode()
    return int.from_bytes(hashlib.blake2b(key, digest_size=4).digest()) >> 1


def _answers(
    prefix: Prefix, outcomes: Sequence[Completion | DrawFailure]
) -> list[str | None] | DrawFailure:
    failures = [outcome for outcome in outcomes if isinstance(outcome, DrawFailure)]
    if failures:
        return worst(failures)
    return [
        answers.extract(prefix.text + outcome.text)
        for outcome in outcomes
        if isinstance(outcome, Completion)
    ]
