"""Rules as the form of a version spells them, and back."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from annotation.models import Annotation, Project
from datasets_app.held_out import PROJECT
from datasets_app.rules import SHARD_SOLUTIONS, Rules
from labelers.models import Labeler

NO_GENERATION = "none"


def labelers_of(project: Project, begun: Rules) -> dict[str, str]:
    """Return the names of a project's labelers and of those that rules name, by UUID (or name)."""
    ids = Annotation.objects.filter(solution__project=project).values("labeler")
    found = Labeler.objects.filter(pk__in=ids).order_by("name", "pk")
    times = Counter(one.name for one in found)
    named = {
        str(one.uuid): one.name if times[one.name] == 1 else f"{one.name} ({one.uuid})"
        for one in found
    }
    rest = [begun.labeler, *begun.without_labelers]
    return named | {one: one for one in rest if one and one not in named}


def with_names(rules: Rules, names: Mapping[str, str]) -> Rules:
    """Return `rules` that name labelers by what people call them."""
    return replace(
        rules,
        labeler=names.get(rules.labeler or "", rules.labeler),
        without_labelers=tuple(names.get(one, one) for one in rules.without_labelers),
    )


def percent(share: float | None) -> float | None:
    """Return a share in percent, as short as it can be written."""
    if share is None:
        return None
    hundredths = round(100 * share, 8)
    return int(hundredths) if hundredths.is_integer() else hundredths


def initial_of(rules: Rules) -> dict[str, Any]:
    """Return what the form shows of `rules`."""
    shown: dict[str, Any] = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in rules.as_json().items()
    }
    del shown["splits"]
    held_out = rules.held_out
    return shown | {
        "minimum_agreement": percent(rules.minimum_agreement),
        "minimum_quality": percent(rules.minimum_quality),
        "generations": [_round(one) for one in rules.generations or ()],
        "split_by": rules.splits.by,
        "seed": rules.splits.seed,
        "held_out": [one for one in held_out if not one.startswith(PROJECT)],
        "held_out_projects": [one for one in held_out if one.startswith(PROJECT)],
        "truncate": {None: "", True: "yes", False: "no"}[rules.truncate],
    }


def rules_json(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON that `Rules.from_json` reads of what the form was given."""
    rows = [name[6:] for name in given if name.startswith("share_")]
    shares = {
        given[f"split_{n}"]: (given[f"share_{n}"] or 0) / 100
        for n in rows
        if given[f"split_{n}"] or given[f"share_{n}"]
    }
    plain = (
        "marks", "correctness", "finish_reasons", "without_labelers", "sources", "subjects",
        "levels", "quality_control", "screening", "surplus", "max_per_problem",
    )  # fmt: skip
    rounds = [None if one == NO_GENERATION else int(one) for one in given["generations"]]
    return {name: given[name] for name in plain} | {
        "labeler": (given["marks"] == "labeler" and given["labeler"]) or None,
        "minimum_agreement": _share(given["minimum_agreement"]),
        "minimum_quality": _share(given["minimum_quality"]),
        "generations": rounds or None,
        "neutral": given["neutral"] or None,
        "alternatives": given["alternatives"] or None,
        "truncate": {"": None, "yes": True, "no": False}[given["truncate"]],
        "splits": {"by": given["split_by"], "seed": given["seed"] or 0, "shares": shares},
        "held_out": _once([*given["held_out"], *given["held_out_projects"]]),
        "shard_solutions": given["shard_solutions"] or SHARD_SOLUTIONS,
    }


def _share(given: float | None) -> float | None:
    return None if given is None else round(given / 100, 10)


def _round(one: int | None) -> str:
    return NO_GENERATION if one is None else str(one)


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
