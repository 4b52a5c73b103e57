"""What a policy makes of one solution: what is decided, by whom, and where it goes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from annotation.findings import Agreed, Case, Finding, majority
from annotation.policy import Accept, Order, Policy, falls_in, spread

FIRST = "first"
"""The rule of the assignments that models get before anybody else."""
BY_REVIEWER, BY_PEOPLE = "reviewer", "people agree"
NO_MAJORITY, DISAGREE = "people disagree: no majority", "people disagree"


class Way(StrEnum):
    """Where a solution goes now."""

    MODELS = "models"
    ACCEPTED = "accepted"
    PEOPLE = "people"
    REVIEWER = "reviewer"
    DECIDED = "decided"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a policy makes of a solution."""

    way: Way
    rule: str
    """What sends it there."""
    people: int | None
    """How many people are to mark it, those included who have; None: as many as have it now."""
    people_rule: str
    agreed: Agreed | None


def decide(policy: Policy, case: Case) -> Decision:
    """Return what `policy` makes of `case`. A reviewer's word goes before people's, theirs before
    that of models."""
    people, reviewed = case.of("person"), case.of("reviewer")
    missing = [n for n in policy.first if case.by(n) is None and n not in case.silent]
    accepted = None if missing else _accepted(policy, case)
    to_ask, people_rule = (None, "") if missing else _wanted(policy, case, accepted)
    wanted = _at_most(policy, case) if to_ask is None else to_ask
    agreed = _agreed(people, reviewed, wanted) if people or reviewed else None
    if agreed is None and accepted is not None and not reviewed:
        agreed = accepted[1]
    contested = _contested(policy, case, people, wanted)
    if reviewed:
        way, rule = Way.DECIDED, BY_REVIEWER
    elif contested:
        way, rule = Way.REVIEWER, contested
    elif agreed is not None and agreed.rule == BY_PEOPLE:
        way, rule = Way.DECIDED, BY_PEOPLE
    elif missing:
        way, rule = Way.MODELS, FIRST
    elif wanted:
        way, rule = Way.PEOPLE, people_rule
    elif accepted is not None:
        way, rule = Way.ACCEPTED, accepted[1].rule
    else:
        way, rule = Way.NOBODY, people_rule
    return Decision(way=way, rule=rule, people=to_ask, people_rule=people_rule, agreed=agreed)


def priority(order: Order, case: Case) -> float:
    """Return a slot's place in the queue, from 0 to 2; the highest is given out first.

    A solution of which nothing is known that the order asks for comes last.
    """
    scored = case.by(order.score_of) if order.score_of else None
    score = scored.score if scored else None if order.score_of else case.verifier_score
    if order.by == "uncertain":
        return 0.0 if score is None else 1 - abs(2 * score - 1)
    if order.by == "convincing":
        # A wrong answer with a high score: what a verifier learns most from (LV section 2.4).
        return float(case.is_correct is False) + (score or 0.0)
    if order.by == "disagreement":
        return _split(case)
    return spread(case.key) if order.by == "random" else 0.0


def _accepted(policy: Policy, case: Case) -> tuple[Accept, Agreed] | None:
    """Return the first rule that accepts `case`, with what it accepts."""
    for number, rule in enumerate(policy.accept, 1):
        found = [case.by(name) for name in rule.labelers]
        counted = [one for one in found if one is not None and _is_sure(one, rule.labelers)]
        errors = {one.first_error for one in counted}
        if len(counted) == len(found) and len(errors) == 1:
            (first_error,) = errors
            assert first_error is not None  # `_is_sure`
            return rule, Agreed(rule=f"accept {number}", first_error=first_error, counted=counted)
    return None


def _is_sure(finding: Finding, thresholds: Mapping[str, float]) -> bool:
    """Whether a model names a first error, with the confidence asked for.

    One that gives no score is as sure as 0: it meets that threshold alone.
    """
    sure = finding.confidence or 0.0
    return finding.first_error is not None and sure >= thresholds[finding.labeler]


def _wanted(policy: Policy, case: Case, accepted: tuple[Accept, Agreed] | None) -> tuple[int, str]:
    """Return how many people are to mark the solution, and by which rule."""
    how_many, rule = 0, "no rule for people"
    for number, people in enumerate(policy.people, 1):
        if _holds(people.when, policy, case):
            how_many, rule = people.how_many, f"people {number}: {people.when}"
            break
    if accepted is None:
        return how_many, rule
    if falls_in(accepted[0].audit_share, "audit", case.key):
        return max(how_many, 1), f"audit of {accepted[1].rule}"
    return 0, accepted[1].rule


def _at_most(policy: Policy, case: Case) -> int:
    """Return how many people a majority is of while models are waited for.

    As many as were asked by what was known before; of nobody, the most that a rule may ask for.
    """
    return case.people or max((rule.how_many for rule in policy.people), default=0)


def _holds(when: str, policy: Policy, case: Case) -> bool:
    said = [case.by(name) for name in policy.first]
    errors = [one.first_error if one else None for one in said]
    return {
        "rest": True,
        "wrong_answer": case.is_correct is False,
        "right_answer": case.is_correct is True,
        "disagreement": len({error for error in errors if error is not None}) > 1,
        "no_finding": None in errors,
    }[when]


def _agreed(people: Sequence[Finding], reviewed: Sequence[Finding], wanted: int) -> Agreed | None:
    if reviewed:
        last = max(reviewed, key=lambda one: one.annotation)
        if last.first_error is None:
            return None
        return Agreed(rule=BY_REVIEWER, first_error=last.first_error, counted=[last])
    first_error = majority(people, wanted=wanted)
    if first_error is None:
        return None
    return Agreed(
        rule=BY_PEOPLE,
        first_error=first_error,
        counted=[one for one in people if one.first_error is not None],
    )


def _contested(policy: Policy, case: Case, people: Sequence[Finding], wanted: int) -> str:
    """Return why a reviewer is to decide, or nothing."""
    voices = {one.first_error for one in people if one.first_error is not None}
    for name, threshold in policy.review.contradicted.items():
        model = case.by(name)
        if model is None or not _is_sure(model, {name: threshold}):
            continue
        if voices - {model.first_error}:
            return f"people contradict {name}"
    if policy.review.disagreement == "any" and len(voices) > 1:
        return DISAGREE
    is_open = majority(people, wanted=wanted) is None
    if is_open and len(people) >= wanted and (wanted or len(voices) > 1):
        return NO_MAJORITY
    return ""


def _split(case: Case) -> float:
    """Return the share of the models that do not find what most of them find."""
    errors = Counter(one.first_error for one in case.of("model") if one.first_error is not None)
    return 1 - max(errors.values()) / errors.total() if errors else 0.0
