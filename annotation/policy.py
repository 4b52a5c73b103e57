"""A project's route: which solutions go to models, to people and to reviewers, as plain values.

`Policy.from_json` reads what `Project.routing` holds and `as_json` writes it; `in_words` says it.
docs/routing.md explains the rules. What comes of them for one solution is in `annotation.deciding`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal, get_args
from uuid import UUID

from jsonschema import Draft202012Validator

Condition = Literal["rest", "wrong_answer", "right_answer", "disagreement", "no_finding"]
By = Literal["uncertain", "convincing", "disagreement", "oldest", "random"]
Disagreement = Literal["any", "no_majority"]

MOST_PEOPLE = 100
MOST_RULES = 50
"""Of each kind that is a list."""
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
# What PostgreSQL cannot be asked for is no labeler's name.
_NAME = {
    "type": "string",
    "minLength": 1,
    "maxLength": 200,
    "pattern": r"^[^\x00\ud800-\udfff]*$",
}
_CONFIDENCES = {"type": "object", "propertyNames": _NAME, "additionalProperties": _SHARE}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "first": {"type": "array", "items": _NAME, "uniqueItems": True},
        "accept": {
            "type": "array",
            "maxItems": MOST_RULES,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["labelers"],
                "properties": {
                    "labelers": {**_CONFIDENCES, "minProperties": 1},
                    "audit_share": _SHARE,
                },
            },
        },
        "people": {
            "type": "array",
            "maxItems": MOST_RULES,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["how_many"],
                "properties": {
                    "when": {"enum": list(get_args(Condition))},
                    "how_many": {"type": "integer", "minimum": 0, "maximum": MOST_PEOPLE},
                },
            },
        },
        "order": {
            "type": "object",
            "additionalProperties": False,
            "required": ["by"],
            "properties": {"by": {"enum": list(get_args(By))}, "score_of": _NAME},
        },
        "review": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "disagreement": {"enum": list(get_args(Disagreement))},
                "contradicted": _CONFIDENCES,
            },
        },
        "blind_share": _SHARE,
    },
}
"""JSON Schema of a policy. Every part may be left out; the defaults are those of `Policy`."""


NO_SCORE = "say whose score tells what is uncertain"
AFTER_REST = "nothing is left for the rules after the rest"
NOT_FIRST = "%(name)r is not among those that mark first"
NO_LABELER = "no model labeler is named %(name)r"


class Wrong(str):
    """Why a field is wrong, in English. `said` and `name` let a page say it in its language."""

    said: str
    name: str

    def __new__(cls, said: str, name: str = "") -> "Wrong":
        wrong = super().__new__(cls, said % {"name": name})
        wrong.said, wrong.name = said, name
        return wrong


class BadPolicy(ValueError):
    """What was given is no policy: `errors` says of each field why, by its path ("" for all)."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        said = (f"{name or 'policy'}: {message}" for name, message in errors.items())
        super().__init__("; ".join(said))
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """Accept without a person where all `labelers` find the same first error, or none.

    Each must be at least as confident of it as is said beside its name, from 0 to 1.
    """

    labelers: Mapping[str, float]
    audit_share: float = 0.0
    """Share of what is accepted that goes to people nevertheless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """How many people mark the solutions for which `when` holds."""

    how_many: int
    when: Condition = "rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What people get first. A score is that of the labeler `score_of`, or the verifier's."""

    by: By = "oldest"
    score_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What goes to a reviewer."""

    disagreement: Disagreement = "no_majority"
    """Any two people, or people among whom no more than half agree."""
    contradicted: Mapping[str, float] = field(default_factory=dict)
    """Model labelers, and how confident one must be for a person to contradict it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules in their order: models first, then acceptance, then people, then reviewers."""

    first: tuple[str, ...] = ()
    """Names of the model labelers that mark every solution before anybody else."""
    accept: tuple[Accept, ...] = ()
    """The first rule that a solution meets accepts it."""
    people: tuple[People, ...] = (People(how_many=1),)
    """The first rule whose condition holds says how many; where none does, nobody."""
    order: Order = field(default_factory=Order)
    review: Review = field(default_factory=Review)
    blind_share: float = 1.0
    """Share of the assignments whose page hides the models' marks."""

    @classmethod
    def from_json(cls, value: Any) -> "Policy":
        """Read a policy. Raises BadPolicy, which names each wrong field."""
        errors = {_path(error): error.message for error in _schema.iter_errors(value)}
        if errors:
            raise BadPolicy(errors)
        given = dict(value)
        if "people" in given:
            # JSON Schema takes 2.0 for an integer.
            given["people"] = [{**one, "how_many": int(one["how_many"])} for one in given["people"]]
        if "first" in given:
            given["first"] = tuple(given["first"])
        for name, rule in (("accept", Accept), ("people", People)):
            if name in given:
                given[name] = tuple(rule(**one) for one in given[name])
        for name, part in (("order", Order), ("review", Review)):
            if name in given:
                given[name] = part(**given[name])
        policy = cls(**given)
        _check(policy)
        return policy

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` reads back, every part spelt out."""
        order: dict[str, str] = {"by": self.order.by}
        if self.order.score_of is not None:
            order["score_of"] = self.order.score_of
        return {
            "first": list(self.first),
            "accept": [
                {"labelers": dict(rule.labelers), "audit_share": rule.audit_share}
                for rule in self.accept
            ],
            "people": [{"when": rule.when, "how_many": rule.how_many} for rule in self.people],
            "order": order,
            "review": {
                "disagreement": self.review.disagreement,
                "contradicted": dict(self.review.contradicted),
            },
            "blind_share": self.blind_share,
        }

    def shows_marks(self, slot: str) -> bool:
        """Whether the page of a slot of this name shows the models' marks."""
        return bool(self.first) and not falls_in(self.blind_share, "blind", slot)

    def named(self) -> Iterator[tuple[str, str]]:
        """Yield each field that names a model labeler, with the name."""
        for place, name in enumerate(self.first):
            yield f"first[{place}]", name
        for place, rule in enumerate(self.accept):
            for name in rule.labelers:
                yield f"accept[{place}].labelers.{name}", name
        if self.order.score_of is not None:
            yield "order.score_of", self.order.score_of
        for name in self.review.contradicted:
            yield f"review.contradicted.{name}", name


def falls_in(share: float, purpose: str, key: UUID | str) -> bool:
    """Whether `key` is in the `share` of all keys that is chosen for `purpose`.

    By a hash of both: always the same, on every machine, and whoever is in a share is in every
    larger one.
    """
    hashed = sha256(f"{purpose}:{key}".encode()).digest()
    return int.from_bytes(hashed[:8]) < share * 2**64


def spread(key: UUID | str) -> float:
    """Return a place from 0 to 1 for `key`: the same on every machine."""
    return int.from_bytes(sha256(f"order:{key}".encode()).digest()[:8]) / 2**64


def _path(error: Any) -> str:
    path = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in error.absolute_path)
    return path.lstrip(".")


def _check(policy: Policy) -> None:
    """Raise BadPolicy for what the schema cannot see."""
    errors: dict[str, str] = {}
    if policy.order.by == "uncertain" and policy.order.score_of is None and policy.first:
        errors["order.score_of"] = Wrong(NO_SCORE)
    for place, rule in enumerate(policy.people[:-1]):
        if rule.when == "rest":
            errors[f"people[{place}].when"] = Wrong(AFTER_REST)
    for name, labeler in policy.named():
        if labeler not in policy.first:
            errors[name] = Wrong(NOT_FIRST, labeler)
    if errors:
        raise BadPolicy(errors)


_schema = Draft202012Validator(SCHEMA)
