"""Marks steps by what a process reward model says of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from labelers.aggregation import AGGREGATIONS, aggregate, step_score
from labelers.engines import EngineNotStarted
from labelers.engines.base import local_extra
from labelers.judges.base import Judge
from labelers.judges.prm_layouts import (
    LAYOUTS,
    AnswerLayout,
    HeadLayout,
    Placed,
    Unreadable,
    token_of,
)
from labelers.spending import spend
from labelers.trace import Cost, Judgement, Rating, StepJudgement, Trace, Unjudged

if TYPE_CHECKING:
    from labelers.judges.prm_model import PrmModel

CLASSES = ("-1", "0", "1")
TWO = ("-1", "1")
THRESHOLD = {"type": "number", "minimum": 0, "maximum": 1}
TEXT = {"type": "string", "minLength": 1}


class PrmJudge(Judge):
    """A mark for each step from the probabilities that the model gives it, and a score of them all.

    -1 where P(-1) is over `negative_above`, else +1 where P(+1) is `positive_from` or more, else 0
    where P(0) is `neutral_from` or more, else not rated. The marks end at the first -1; the
    evidence has the probabilities of the steps after it, and the score is over all steps. A
    solution longer than the model can read has marks as far as it is read, and no score.

    The settings beside `settings` below are the fields of the form's layout. Raises
    EngineNotStarted, which says why, for a model that does not load, and ValueError for one that
    cannot be read in this form.
    """

    name: ClassVar[str] = "prm"
    required: ClassVar[Sequence[str]] = ("form", "model")
    settings: ClassVar[Mapping[str, Any]] = {
        "form": {"enum": list(LAYOUTS)},
        "model": TEXT | {"description": "A directory, a hub id, or a GGUF file."},
        "device": TEXT,
        "batch_size": {"type": "integer", "minimum": 1},
        "max_tokens": {"type": "integer", "minimum": 1},
        "aggregation": {"enum": list(AGGREGATIONS)},
        "negative_above": THRESHOLD,
        "positive_from": THRESHOLD,
        "neutral_from": THRESHOLD,
        "classes": {
            "type": "array",
            "items": {"enum": list(CLASSES)},
            "uniqueItems": True,
            "allOf": [{"contains": {"const": "-1"}}, {"contains": {"const": "1"}}],
        },
        "separator": TEXT,
        "after_problem": {"type": "string"},
        "tag": TEXT,
        "after_tag": {"type": "string"},
        "numbered": {"type": "boolean"},
        "good": TEXT,
        "bad": TEXT,
        "system": {"type": "string"},
    }

    def __init__(
        self,
        *,
        form: str,
        model: str,
        device: str | None = None,
        batch_size: int = 8,
        max_tokens: int | None = None,
        aggregation: str = "product",
        negative_above: float = 0.5,
        positive_from: float = 0.5,
        neutral_from: float = 0.5,
        **layout: Any,
    ) -> None:
        self._layout = LAYOUTS[form](**layout)
        self._model = _kept_model(model, isinstance(self._layout, AnswerLayout), device)
        self._marks = self._model.marks(self._layout.own_marks)
        self._columns, self._classes = _outputs(self._model, self._layout)
        self._context: int = min(self._model.context, max_tokens or self._model.context)
        # A model that cannot be read in this form is refused before it fails every solution.
        self._layout.place(self._model.tokenizer, "1 + 1?", ["I add.", "2."], self._context)
        self._at_once = batch_size
        self._aggregation = aggregation
        self._negative_above = negative_above
        self._positive_from = positive_from
        self._neutral_from = neutral_from

    @classmethod
    def schema(cls) -> dict[str, Any]:
        of_layouts = {name: {f.name for f in fields(kind)} for name, kind in LAYOUTS.items()}
        everywhere = set(cls.settings) - set().union(*of_layouts.values())
        return super().schema() | {
            "allOf": [
                {
                    "if": {"properties": {"form": {"const": form}}},
                    "then": {"propertyNames": {"enum": sorted(everywhere | of_layout)}},
                }
                for form, of_layout in of_layouts.items()
            ]
        }

    @classmethod
    def needs_own_worker(cls, config: Mapping[str, Any]) -> bool:
        return True

    def judge(self, traces: Sequence[Trace]) -> list[Judgement | Unjudged]:
        outcomes: dict[int, Judgement | Unjudged] = {}
        readable: dict[int, Placed] = {}
        for index, trace in enumerate(traces):
            try:
                readable[index] = self._place(trace)
            except Unreadable as error:
                outcomes[index] = Unjudged(reason=str(error))
        order = sorted(readable, key=lambda index: len(readable[index].ids))
        for start in range(0, len(order), self._at_once):
            indices = order[start : start + self._at_once]
            batch = [readable[index] for index in indices]
            read = self._model.probabilities(batch, self._columns)
            for index, placed, shares in zip(indices, batch, read, strict=True):
                cost = Cost(calls=1, prompt_tokens=len(placed.ids))
                spend(cost)
                outcomes[index] = self._judgement(traces[index], shares, cost)
        return [outcomes[index] for index in range(len(traces))]

    def _place(self, trace: Trace) -> Placed:
        """Lay the solution out, as much of it as the model can read; raises Unreadable."""
        if not trace.steps:
            raise Unreadable("the solution has no steps")
        texts = [self._marks.broken_up(text) for text in (trace.problem, *trace.steps)]
        tokenizer = self._model.tokenizer
        placed = self._layout.place(tokenizer, texts[0], texts[1:], self._context)
        read_at = [place for place in placed.read_at if place < self._context]
        if not read_at:
            raise Unreadable(f"no step ends within the {self._context} tokens that are read")
        # What follows the last place to read is not needed, and changes nothing before it in a
        # causal model; a model that reads both ways was trained on texts cut at the same length.
        return Placed(ids=placed.ids[: self._context], read_at=read_at)

    def _judgement(
        self, trace: Trace, shares: Sequence[Sequence[float]], cost: Cost
    ) -> Judgement | Unjudged:
        if not all(math.isfinite(share) for step in shares for share in step):
            return Unjudged(reason="the model's answer is not a number", cost=cost)
        named = [dict(zip(self._classes, step, strict=True)) for step in shares]
        read = [{name: step.get(name, 0.0) for name in CLASSES} for step in named]
        steps = [self._mark(probabilities) for probabilities in read]
        ratings = [step.rating for step in steps]
        marked = ratings.index(-1) + 1 if -1 in ratings else len(steps)
        cut = len(read) < len(trace.steps)
        scores = [step_score(probabilities) for probabilities in read]
        return Judgement(
            steps=tuple(steps[:marked]),
            score=None if cut else aggregate(self._aggregation, scores),
            evidence={
                "aggregation": self._aggregation,
                "steps": len(trace.steps),
                "steps_read": len(read),
                "cut_off": cut,
                "probabilities_after_error": read[marked:],
            },
            cost=cost,
        )

    def _mark(self, probabilities: Mapping[str, float]) -> StepJudgement:
        return StepJudgement(
            rating=self._rating(probabilities),
            score=step_score(probabilities),
            probabilities=probabilities,
        )

    def _rating(self, probabilities: Mapping[str, float]) -> Rating | None:
        if probabilities["-1"] > self._negative_above:
            return -1
        if probabilities["1"] >= self._positive_from:
            return 1
        # A head without this class says nothing of neutral steps, whatever the threshold.
        if "0" in self._classes and probabilities["0"] >= self._neutral_from:
            return 0
        return None


def _outputs(
    model: "PrmModel", layout: HeadLayout | AnswerLayout
) -> tuple[list[int] | None, Sequence[str]]:
    """Return which outputs of the model to read, None for all, and the class of each."""
    if isinstance(layout, AnswerLayout):
        return [token_of(model.tokenizer, answer) for answer in (layout.bad, layout.good)], TWO
    own = model.class_names
    named = layout.classes
    if named is None:
        named = own if set(own) in ({*TWO}, {*CLASSES}) else {2: TWO, 3: CLASSES}.get(len(own), ())
    if len(named) != len(own):
        raise ValueError(f"its head has {len(own)} outputs, not {len(named) or '2 or 3'}")
    return None, named


@lru_cache(maxsize=1)
def _kept_model(model: str, causal: bool, device: str | None) -> "PrmModel":
    """Return the model, loaded or kept from the last time: loading takes long."""
    try:
        with local_extra("the judge 'prm'"):
            from labelers.judges.prm_model import PrmModel
        return PrmModel(model, causal=causal, device=device)
    except (ImportError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise EngineNotStarted(f"the model {model!r} does not load: {error}") from error
