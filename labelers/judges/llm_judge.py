"""Asks a language model for the first wrong step, once or several times, and counts its votes."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from labelers.answers import last_boxed
from labelers.engines import kept_engine
from labelers.engines.base import Completion, Decoding, Draw, DrawFailure
from labelers.judges.base import ENGINE, Judge, draw, unjudged, worst
from labelers.prompts import CRITIQUES, get_critique
from labelers.spending import drawing_cost
from labelers.trace import Cost, Judgement, StepJudgement, Trace, Unjudged

NO_ERROR = -1
MAX_VOTES = 64
MAX_COMMENT = 2_000
MAX_KEPT_TEXT = 4_000
"""Characters of one vote's text that the evidence keeps."""


@dataclass(frozen=True, slots=True)
class Vote:
    """What one text said: the index of the first wrong step, or NO_ERROR."""

    index: int
    text: str


class LlmJudge(Judge):
    """+1 for the steps before the first error, -1 for the error, by majority of `votes` texts.

    One vote is drawn greedily and several at temperature 1, unless `temperature` says otherwise.
    The question and the vote's form are ProcessBench's (arXiv 2412.06559, section 4). A text
    without a step's index or -1 in its last box is no vote; equal counts go to the index that was
    named first. A vote lost for a passing reason leaves the solution for
    later. `show_reference_answer` puts the problem's reference answer into the question.
    """

    name: ClassVar[str] = "llm_judge"
    needs_engine: ClassVar[bool] = True
    settings: ClassVar[Mapping[str, Any]] = {
        **ENGINE,
        "prompt": {"enum": sorted(CRITIQUES)},
        "votes": {"type": "integer", "minimum": 1, "maximum": MAX_VOTES},
        "temperature": {"type": "number", "minimum": 0, "maximum": 10},
        "top_p": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "max_tokens": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
        "show_reference_answer": {"type": "boolean"},
    }
    required: ClassVar[Sequence[str]] = ("engine",)
    batch_size: ClassVar[int] = 16

    def __init__(
        self,
        *,
        engine: str,
        engine_config: Mapping[str, Any] | None = None,
        prompt: str = "critique",
        votes: int = 1,
        temperature: float | None = None,
        top_p: float = 0.9,
        max_tokens: int = 2048,
        show_reference_answer: bool = False,
    ) -> None:
        # JSON Schema takes 8.0 for an integer.
        self.votes = int(votes)
        if temperature is None:
            temperature = 0.0 if self.votes == 1 else 1.0
        self.prompt = get_critique(prompt)
        self.decoding = Decoding(
            temperature=temperature,
            top_p=top_p,
            max_tokens=int(max_tokens),
            stop=self.prompt.stop,
        )
        self.show_reference_answer = show_reference_answer
        self._engine = kept_engine(engine, engine_config or {})

    @classmethod
    def schema(cls) -> dict[str, Any]:
        # Several greedy votes would all be the same one.
        several = {"required": ["votes"], "properties": {"votes": {"minimum": 2}}}
        drawn = {"properties": {"temperature": {"exclusiveMinimum": 0}}}
        return super().schema() | {"if": several, "then": drawn}

    def judge(self, traces: Sequence[Trace]) -> list[Judgement | Unjudged]:
        unasked = [self._why_not_asked(trace) for trace in traces]
        asked = [trace for trace, why_not in zip(traces, unasked, strict=True) if not why_not]
        outcomes = iter(
            draw(
                self._engine,
                [vote for trace in asked for vote in self._draws(trace)],
                self.decoding,
            )
        )
        return [
            Unjudged(reason=why_not)
            if why_not
            else self._judged(trace, [next(outcomes) for _ in range(self.votes)])
            for trace, why_not in zip(traces, unasked, strict=True)
        ]

    def _why_not_asked(self, trace: Trace) -> str:
        if not trace.steps:
            return "the solution has no steps"
        if self.show_reference_answer and trace.reference_answer is None:
            return "the problem has no reference answer to show"
        return ""

    def _draws(self, trace: Trace) -> list[Draw]:
        shown = trace.reference_answer if self.show_reference_answer else None
        prompt = self.prompt.render(trace.problem, trace.steps, shown)
        # The same question gives the same votes, on any machine and beside any other question.
        first = int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:4])
        return [Draw(prompt=prompt, seed=(first + vote) % 2**31) for vote in range(self.votes)]

    def _judged(
        self, trace: Trace, outcomes: Sequence[Completion | DrawFailure]
    ) -> Judgement | Unjudged:
        completions = [outcome for outcome in outcomes if isinstance(outcome, Completion)]
        failures = [outcome for outcome in outcomes if isinstance(outcome, DrawFailure)]
        cost = drawing_cost(outcomes)
        # A vote that comes later may decide otherwise: without it the others would seem surer.
        missing = [failure for failure in failures if failure.transient or failure.stops_run]
        if missing:
            return unjudged(worst(missing), cost=cost)
        read = [_vote(made.text, len(trace.steps)) for made in completions]
        votes = [vote for vote in read if vote]
        if not votes:
            return _no_vote(completions, failures, cost)
        counts = Counter(vote.index for vote in votes)
        winner, winning = counts.most_common(1)[0]
        evidence = {
            "prompt": self.prompt.name,
            "reference_answer_shown": self.show_reference_answer,
            "first_error": winner,
            "votes": {str(index): count for index, count in counts.items()},
            "confidence": winning / len(votes),
            "dropped": len(completions) - len(votes),
            "failed": len(failures),
            "texts": [
                {"vote": vote.index if vote else None, "text": _end(made.text, MAX_KEPT_TEXT)}
                for vote, made in zip(read, completions, strict=True)
            ],
        }
        return Judgement(
            steps=_marks(len(trace.steps), winner, counts, _explanation(votes, winner)),
            score=counts[NO_ERROR] / len(votes),
            evidence=evidence,
            cost=cost,
        )


def _vote(text: str, step_count: int) -> Vote | None:
    try:
        index = int(last_boxed(text) or "")
    except ValueError:
        return None
    return Vote(index, text) if NO_ERROR <= index < step_count else None


def _no_vote(
    completions: Sequence[Completion], failures: Sequence[DrawFailure], cost: Cost
) -> Unjudged:
    """Say why nothing can be said, and never will be of these texts."""
    if not completions:
        return unjudged(worst(failures), cost=cost)
    if all(made.finish_reason == "length" for made in completions):
        return Unjudged(reason="every vote ran out of tokens before it named a step", cost=cost)
    return Unjudged(reason=r"no vote has a step's number or -1 in its last \boxed{}", cost=cost)


def _marks(
    step_count: int, first_error: int, counts: Counter[int], explanation: str
) -> tuple[StepJudgement, ...]:
    """Mark the steps up to the first error. A step's score is the share of votes that do not
    name it: 1 minus the winning share where it is the error."""
    votes = counts.total()
    right = range(step_count if first_error == NO_ERROR else first_error)
    marks = [StepJudgement(rating=1, score=1 - counts[index] / votes) for index in right]
    if first_error != NO_ERROR:
        score = 1 - counts[first_error] / votes
        marks.append(StepJudgement(rating=-1, score=score, comment=explanation))
    return tuple(marks)


def _explanation(votes: Sequence[Vote], index: int) -> str:
    """Return what the first vote for `index` that says more than the index wrote, without the
    thoughts before it; empty where none does."""
    for vote in votes:
        said = vote.text.rpartition("</think>")[2].strip()
        if vote.index == index and said.strip("$*. ") != rf"\boxed{{{index}}}":
            return _end(said, MAX_COMMENT)
    return ""


def _end(text: str, limit: int) -> str:
    """Return the end of a long text, where a critique has come to the error."""
    return text if len(text) <= limit else "…" + text[1 - limit :]
