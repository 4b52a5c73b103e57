"""What a version of a dataset holds, as plain values.

`Rules.from_json` reads what `Snapshot.rules` holds and `as_json` writes it; `rule_words.in_words`
says it. docs/datasets.md explains the rules.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from hashlib import sha256
from itertools import chain
from typing import Any, Literal, get_args

from jsonschema import Draft202012Validator

from datasets_app.exporters.base import Alternatives, Neutral
from web.printable import printable

Marks = Literal["people", "models", "all", "people_over_models", "verdicts", "labeler", "outcomes"]
FinishReason = Literal["found_error", "solution", "bad_problem", "give_up", "none"]
Correctness = Literal["any", "right", "wrong"]
SplitBy = Literal["hash", "problem"]

WITHOUT_ANNOTATIONS: tuple[Marks, ...] = ("verdicts", "outcomes")
USUAL_REASONS: tuple[FinishReason, ...] = ("found_error", "solution", "none")
BAD_PROBLEM: FinishReason = "bad_problem"
SHARD_SOLUTIONS = 10_000
TRAIN = "train"
_STORABLE = {"pattern": r"^[^\x00\ud800-\udfff]*\Z"}
_NAME = {"type": "string", "minLength": 1, "maxLength": 200, **_STORABLE}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
# “all” stands for all splits to `datasets`, which loads none of that name.
_SPLIT_NAME = {"type": "string", "pattern": r"^(?!all\Z)[a-z0-9_]{1,50}\Z"}


def _texts(*words: str) -> dict[str, Any]:
    items = {"enum": list(words)} if words else _NAME
    return {"type": "array", "items": items, "uniqueItems": True}


SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "marks": {"enum": list(get_args(Marks))},
        "labeler": {"type": ["string", "null"], "maxLength": 200, **_STORABLE},
        "finish_reasons": {**_texts(*get_args(FinishReason)), "minItems": 1},
        "generations": {
            "type": ["array", "null"],
            "minItems": 1,
            "items": {"type": ["integer", "null"], "minimum": -1, "maximum": 32767},
        },
        "correctness": {"enum": list(get_args(Correctness))},
        "minimum_agreement": {"anyOf": [_SHARE, {"type": "null"}]},
        "without_labelers": _texts(),
        "minimum_quality": {"anyOf": [_SHARE, {"type": "null"}]},
        "quality_control": {"type": "boolean"},
        "screening": {"type": "boolean"},
        "surplus": {"type": "boolean"},
        "sources": _texts(),
        "subjects": _texts(),
        "levels": _texts(),
        "max_per_problem": {"type": ["integer", "null"], "minimum": 1, "maximum": 1_000_000},
        "neutral": {"enum": [*get_args(Neutral), None]},
        "truncate": {"type": ["boolean", "null"]},
        "alternatives": {"enum": [*get_args(Alternatives), None]},
        "splits": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "by": {"enum": list(get_args(SplitBy))},
                "seed": {"type": "integer", "minimum": 0, "maximum": 2**53},
                "shares": {
                    "type": "object",
                    "propertyNames": _SPLIT_NAME,
                    "additionalProperties": _SHARE,
                    "minProperties": 1,
                },
            },
        },
        "held_out": _texts(),
        "shard_solutions": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
    },
}
"""JSON Schema of the rules. Every part may be left out; the defaults are those of `Rules`."""


class BadRules(ValueError):
    """What was given are no rules: `errors` says of each field why, by its path ("" for all)."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name or 'rules'}: {said}" for name, said in errors.items()))
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    """Which problem goes to which split, with all its solutions."""

    by: SplitBy = "hash"
    """By a hash of the problem and `seed`, or as the problem's source says."""
    seed: int = 0
    shares: Mapping[str, float] = field(default_factory=lambda: {TRAIN: 1.0})
    """Share of the problems, by name of the split; together 1."""

    def split_of(self, problem_key: str) -> str:
        """Return the split of a problem: always the same, on every machine."""
        hashed = sha256(f"split:{self.seed}:{problem_key}".encode()).digest()
        place, names = int.from_bytes(hashed[:8]) / 2**64, sorted(self.shares)
        for name in names:
            if place < self.shares[name]:
                return name
            place -= self.shares[name]
        return next(name for name in reversed(names) if self.shares[name])  # rounding


def split_named(given: str) -> str:
    """Return the split of a problem that its source gives as `given`, `train` where that is empty.

    Spelt as `_SPLIT_NAME` is, since it becomes the name of files, and readers refuse others.
    """
    if not given:
        return TRAIN
    spelt = "_".join(re.findall("[a-z0-9_]+", given.lower()))[:50]
    if not spelt or spelt == "all":
        return "split_" + (spelt or sha256(given.encode()).hexdigest()[:8])
    return spelt


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is selected, how it is split, and how it is meant to be exported."""

    marks: Marks = "people"
    """Whose marks count. `people`, `models` and `all`: each annotation by itself.
    `people_over_models`: people's, and those of models where no person marked the solution.
    `verdicts`: what is agreed. `labeler`: one labeler's. `outcomes`: no marks, every graded
    solution with its final answer alone."""
    labeler: str | None = None
    """Name or UUID, where `marks` is `labeler`."""
    finish_reasons: tuple[FinishReason, ...] = USUAL_REASONS
    """Of annotations; `none` is where the labeler gave none. Where these are not what counts:
    problems that a person reports as bad are in only with `bad_problem`."""
    generations: tuple[int | None, ...] | None = None
    """Rounds of active selection, null among them for none; None takes all."""
    correctness: Correctness = "any"
    """Of the final answer."""
    minimum_agreement: float | None = None
    """Share of a solution's counted annotations with the same first error; leaves out solutions
    that fewer than two labelers marked."""
    without_labelers: tuple[str, ...] = ()
    """Names or UUIDs."""
    minimum_quality: float | None = None
    """Leaves out labelers whose first error is the verdict's in a smaller share of what others
    decided too: the lower bound of the 95% interval counts (Wilson, prm_spec G)."""
    quality_control: bool = False
    screening: bool = False
    surplus: bool = False
    """Whether late work that no slot was left for is in."""
    sources: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    """Of problems; empty takes all."""
    max_per_problem: int | None = None
    """Solutions; chosen by a hash and the splits' seed."""
    neutral: Neutral | None = None
    truncate: bool | None = None
    alternatives: Alternatives | None = None
    """What exports do unless they are told otherwise; None is what is usual for the format."""
    splits: Splits = field(default_factory=Splits)
    held_out: tuple[str, ...] = ()
    """Names of held-out files of the project, or `project:` and the slug of a project."""
    shard_solutions: int = SHARD_SOLUTIONS
    """Size of a shard; a problem's solutions stay together, so that one may be larger."""

    @classmethod
    def from_json(cls, value: Any) -> "Rules":
        """Read rules. Raises BadRules, which names each wrong field."""
        errors = dict(chain.from_iterable(map(_said, _schema.iter_errors(value))))
        if errors:
            raise BadRules(errors)
        given: dict[str, Any] = {
            name: tuple(one) if isinstance(one, list) else one for name, one in value.items()
        }
        if "splits" in given:
            splits = given["splits"]
            given["splits"] = Splits(**{**splits, "seed": int(splits.get("seed", 0))})
        for name in ("max_per_problem", "shard_solutions"):
            if given.get(name) is not None:
                given[name] = int(given[name])  # JSON Schema takes 2.0 for an integer
        rules = cls(**given)
        _check(rules)
        return rules

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` reads back, every part spelt out."""
        spelt = asdict(self)
        spelt["splits"]["shares"] = dict(self.splits.shares)
        return {name: list(one) if isinstance(one, tuple) else one for name, one in spelt.items()}


_OF_ANNOTATIONS = (
    "minimum_agreement",
    "without_labelers",
    "minimum_quality",
    "surplus",
)
"""Rules that nothing follows from where annotations are not what counts."""
_USUAL = {one.name: one.default for one in fields(Rules)}


def _check(rules: Rules) -> None:
    """Raise BadRules for what the schema cannot see."""
    errors = {}
    if (rules.marks == "labeler") != bool(rules.labeler):
        errors["labeler"] = "name one where marks is 'labeler', and only there"
    if rules.marks in WITHOUT_ANNOTATIONS:
        for name in _OF_ANNOTATIONS:
            if getattr(rules, name) != _USUAL[name]:
                errors[name] = f"is of annotations: {rules.marks} are none"
        if {*rules.finish_reasons} - {BAD_PROBLEM} != {*USUAL_REASONS}:
            said = f"is of annotations, but for {BAD_PROBLEM}: {rules.marks} are none"
            errors["finish_reasons"] = said
    total = sum(rules.splits.shares.values())
    if abs(total - 1) > 1e-9:
        errors["splits.shares"] = f"add up to {total:g}, not to 1"
    if errors:
        raise BadRules(errors)


def _said(error: Any) -> Iterator[tuple[str, str]]:
    """Yield the path of each wrong field, and why; of an unknown one which there are."""
    path = _path(error)
    if error.validator != "additionalProperties":
        yield path, error.message
        return
    known = error.schema["properties"]
    for name in sorted(error.instance.keys() - known.keys()):
        there_are = ", ".join(sorted(known))
        yield (
            f"{path}.{printable(name)}".lstrip("."),
            f"there is no such rule; there are {there_are}",
        )


def _path(error: Any) -> str:
    path = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in error.absolute_path)
    return path.lstrip(".")


_schema = Draft202012Validator(SCHEMA)
