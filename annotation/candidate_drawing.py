"""Drawing candidates from an engine while a labeler waits: a slice becomes Steps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from annotation import runs, steps
from annotation.candidate_lists import Found, add, list_after
from annotation.digests import digest
from annotation.drafts import Draft
from annotation.drawing import engine_for
from annotation.explore import path
from annotation.finished import Unfinished
from annotation.models import Lease, RunSlice, Solution, Step
from annotation.sampling import SamplingRequest, check_configuration
from labelers.engines.base import Completion, Decoding, Draw, DrawFailure, Engine
from labelers.prompts import get_prompt, get_solving_prompt
from web.registry import lookup

Drawn = Completion | DrawFailure
NOTHING_NEW = "the model wrote no other step"
"""The reason of a failure that is none of the engine's."""


class Boundary(NamedTuple):
    """What stands between two steps that one splitter would tell apart."""

    joint: str
    """Put after every step of a prefix, so that the model begins a new one."""
    stop: str
    """Where the next step has ended for certain."""


BOUNDARIES: dict[str, Boundary] = {
    "newline": Boundary("\n", "\n"),
    "blank_line": Boundary("\n\n", "\n\n"),
    "step_number": Boundary("\n", "\nStep "),
    "sentence": Boundary("\n", "\n\n"),
    "think": Boundary("\n\n", "\n\n"),
}


def drawing_of(value: Mapping[str, Any]) -> SamplingRequest:
    """Return how a project draws candidates: what SamplingRequest takes, "engine" at least.

    Raises ValueError for what cannot be done.
    """
    try:
        decoding = dict(value.get("decoding", {}))
        decoding["stop"] = tuple(decoding.get("stop", ()))
        wanted = SamplingRequest(**{**value, "decoding": Decoding(**decoding)})
    except TypeError as error:
        raise ValueError(f"candidates cannot be drawn like this: {error}") from error
    lookup("splitter", BOUNDARIES, wanted.splitter or get_solving_prompt(wanted.prompt).splitter)
    check_configuration(wanted)
    return wanted


def draw_slice(piece: RunSlice) -> Callable[[], runs.Made]:
    """Draw what one list of candidates lacks; what it returns writes them.

    The payload is one entry: lease id, texts of the steps before, how often this was asked.
    Nothing is written once the labeler has gone on or holds the slot no more.
    """
    [entry] = piece.payload
    lease_id, texts, _ = entry
    lease = Lease.objects.select_related("project", "solution__problem").get(pk=lease_id)
    if not is_wanted(lease, texts):
        return partial(runs.Made, done=1)
    asked = _Asked.of(lease, entry, drawing_of(piece.run.asked))
    return partial(_write, entry, asked.splitter, asked.draw())


@dataclass(frozen=True, slots=True)
class _Asked:
    """One entry, ready to be drawn."""

    engine: Engine
    decoding: Decoding
    draws: list[Draw]
    splitter: str

    @classmethod
    def of(cls, lease: Lease, entry: Sequence[Any], wanted: SamplingRequest) -> "_Asked":
        _, texts, times_asked = entry
        prompt = get_prompt(wanted.prompt)
        splitter = wanted.splitter or prompt.splitter
        listed = list_after(lease.solution, texts)
        missing = lease.project.candidates - (len(listed.steps) if listed else 0)
        draws = [
            Draw(
                prompt=prompt.render(lease.solution.problem.text),
                seed=_seed(lease.solution, texts, times_asked, index),
                prefix="".join(text + BOUNDARIES[splitter].joint for text in texts),
            )
            for index in range(missing)
        ]
        decoding = replace(wanted.decoding, stop=wanted.decoding.stop or prompt.stop)
        return cls(engine_for(wanted), decoding, draws, splitter)

    def draw(self) -> list[Drawn]:
        """Draw up to the end of the next step; further where the model begins with that."""
        stop = (*self.decoding.stop, BOUNDARIES[self.splitter].stop)
        first = self.engine.generate(self.draws, replace(self.decoding, stop=stop))
        blank = [n for n, made in enumerate(first) if _is_blank(made)]
        if blank:
            again = self.engine.generate([self.draws[n] for n in blank], self.decoding)
            for place, made in zip(blank, again, strict=True):
                first[place] = made
        return first


def _seed(solution: Solution, texts: Sequence[str], times_asked: int, index: int) -> int:
    """Return a 31-bit seed: the same in every attempt, another each time that more is asked."""
    return digest(str(solution.pk), str(times_asked), str(index), *texts).int >> 97


def _is_blank(made: Drawn) -> bool:
    return isinstance(made, Completion) and not made.text.strip()


def first_step(made: Completion, splitter: str) -> str | None:
    """Return the first step of a drawn text; None where there is none, or it was cut off."""
    split = steps.split(made.text, splitter)
    # An answer line is no step of a solution, but ends one that is being built.
    texts = [span.text for span in (*split.steps, split.answer) if span is not None]
    if not texts or (made.finish_reason == "length" and len(texts) == 1):
        return None
    return texts[0]


def is_wanted(lease: Lease, texts: Sequence[str]) -> bool:
    """Whether the labeler still holds the slot and stands after steps of these texts."""
    if not lease.is_open:
        return False
    known = list(Step.objects.filter(solution=lease.solution_id))
    try:
        return path(lease.solution, known, Draft.from_json(lease.draft)) == list(texts)
    except Unfinished:
        return False


def _write(entry: Sequence[Any], splitter: str, drawn: Sequence[Drawn]) -> runs.Made:
    """Add what was drawn to the list, if it is still wanted. Needs a transaction."""
    lease_id, texts, _ = entry
    completions = [made for made in drawn if isinstance(made, Completion)]
    # Locked in the order in which a labeler's choice locks them (`candidates.go_on`).
    lease = Lease.objects.select_for_update(of=("self",)).select_related("project").get(pk=lease_id)
    lease.solution = Solution.objects.select_for_update().get(pk=lease.solution_id)
    failures = []
    if is_wanted(lease, texts):
        found = [first_step(made, splitter) for made in completions]
        fresh = [Found(text) for text in found if text is not None]
        made = add(lease.solution, texts, fresh, at_most=lease.project.candidates)
        if drawn and not made:
            failures.append(_failure(entry, drawn))
    return runs.Made(
        done=1 - len(failures),
        failures=failures,
        prompt_tokens=sum(made.prompt_tokens for made in completions),
        completion_tokens=sum(made.completion_tokens for made in completions),
        calls=len(drawn),
    )


def _failure(entry: Sequence[Any], drawn: Sequence[Drawn]) -> runs.Failure:
    reasons = [made.reason for made in drawn if isinstance(made, DrawFailure)]
    reason = reasons[0] if reasons else NOTHING_NEW
    return runs.Failure(entry=list(entry), reason=reason, transient=True)
