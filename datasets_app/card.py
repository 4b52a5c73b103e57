"""The card of a version: a README.md that says what it is, where it comes from and what it is not.

Made of the manifest, and of the judges behind the names of models in it. No time is in it: the
same content says the same.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from datasets_app import card_words as words
from datasets_app.hub import header, rows_by_split
from datasets_app.marked import Json
from datasets_app.models import Snapshot
from datasets_app.rule_words import in_words
from datasets_app.rules import Rules
from labelers.models import Labeler

NAMED = 20
"""Labelers and models of solutions that are named; the manifest has more."""
BY_ROLLOUTS = {"rollouts", "first_error"}
"""Judges whose marks say what their completer can still rescue."""


def written(snapshot: Snapshot, said: Json) -> str:
    """Return the card. `said` is the manifest."""
    dataset = snapshot.dataset
    title = " ".join(dataset.title.split())
    judges = _judges(snapshot, said)
    parts = [f"# {title}"]
    if dataset.description:
        parts.append(dataset.description)
    parts += [
        f"Version {snapshot.version} of `{dataset}`, frozen by Stepmark {said['stepmark']}."
        f" Content hash: `{snapshot.content_hash}`. `manifest.json` has the rules, all counts, what"
        " was left out, and the SHA-256 of every file.",
        *_section("What is in it", _splits(said), _formats(said)),
        *_section("How to load it", *_loading(said)),
        *_section("What the labels mean", words.LABELS),
        *_section("How it was made", _listed(in_words(Rules.from_json(said["rules"])))),
        *_labelers(said, judges),
        *_section("Who wrote the solutions", _counted("model", _sum(said, "models"), "solutions")),
        *_section("Agreement", _agreement(said)),
        *_section("Known limits", _listed(_limits(said, judges))),
        *_section("Licence", _licence(dataset.license)),
        *_section("Formats", _listed(_sources(said))),
    ]
    body = "\n\n".join(part for part in parts if part)
    return f"{header(title, dataset.license, said)}\n{body}\n"


def _section(heading: str, *parts: str) -> Iterator[str]:
    if any(parts):
        yield f"## {heading}"
        yield from parts


def _judges(snapshot: Snapshot, said: Json) -> dict[str, set[str]]:
    """Return the judges of models by the labeler's name, as they were when it was frozen."""
    named = Labeler.objects.judges().filter(
        name__in=_sum(said, "labelers").keys(), created_at__lte=snapshot.created_at
    )
    judges: dict[str, set[str]] = {}
    for name, judge in named.values_list("name", "judge"):
        judges.setdefault(name, set()).add(judge)
    return judges


def _splits(said: Json) -> str:
    heads = ("split", "problems", "solutions", "times marked", "+1", "0", "-1", "not rated")
    rows = [
        [name, split["problems"], split["solutions"], split["marked"]]
        + [split["labels"].get(rating, 0) for rating in ("1", "0", "-1", "null")]
        for name, split in said["splits"].items()
    ]
    return _table(heads, rows)


def _formats(said: Json) -> str:
    if not said["exports"]:
        return "It is kept as solutions and marks alone; no format has been made of it yet."
    heads = ["folder", "format", "files", "rows", "marked solutions without a row"]
    heads += ["neutral", "after the first -1", "alternatives"]
    rows = []
    for name, export in said["exports"].items():
        options, counts = export["options"], rows_by_split(said, name)
        counted = ", ".join(f"{split} {count:,}" for split, count in counts.items()) or "none"
        ending = "cut" if options["truncate"] else "kept"
        neutral, alternatives = options["neutral"], options["alternatives"]
        made = (export["format"], export["container"], counted, export["left_out"])
        rows.append((name, *made, neutral, ending, alternatives))
    return _table(heads, rows)


def _loading(said: Json) -> Iterator[str]:
    loadable = {name: rows for name in said["exports"] if (rows := rows_by_split(said, name))}
    if not loadable:
        return
    name = next(iter(loadable))
    split = next(iter(loadable[name]))
    yield "From a folder with these files, or from a dataset repository made of them:"
    yield (
        "```python\n"
        "from datasets import load_dataset\n\n"
        f'rows = load_dataset("FOLDER", "{name}", split="{split}")\n'
        "```"
    )
    others = [f"`{other}`" for other in loadable if other != name]
    if others:
        yield f"The other configurations are {', '.join(others)}."


def _labelers(said: Json, judges: Mapping[str, set[str]]) -> Iterator[str]:
    kinds = _sum(said, "labeler_kinds")
    if not kinds.keys() - {"none"}:
        return
    counts = _sum(said, "labelers")
    counts.pop("", None)
    yield "### Who marked"
    yield _counted("kind", kinds, "times marked")
    rows = [(name, _kind_of(name, judges), count) for name, count in counts.most_common(NAMED)]
    if rows:
        yield _table(("labeler", "kind", "times marked"), rows) + _more(counts)
    rules = _sum(said, "rules")
    if set(rules) - {""}:
        yield _counted("what decided, or assigned the work", rules, "times marked")


def _kind_of(name: str, judges: Mapping[str, set[str]]) -> str:
    if name in judges:
        return "model, judge " + ", ".join(sorted(judges[name]))
    return "person" if words.UUID.fullmatch(name) else "model, a program"


def _agreement(said: Json) -> str:
    tenths = _sum(said, "agreement")
    alone = tenths.pop("none", 0)
    together = sum(tenths.values())
    if not together:
        return "No solution in it was marked by more than one labeler."
    mean = sum(float(share) * count for share, count in tenths.items()) / together
    full = tenths["1.0"] / together
    return (
        f"{together:,} of {together + alone:,} marked solutions were marked by two or more. On"
        f" these, {100 * mean:.0f}% of a solution's labelers find the same first mistake as the one"
        f" whose marks these are, that one counted in; on {100 * full:.0f}% all of them do."
    )


def _limits(said: Json, judges: Mapping[str, set[str]]) -> Iterator[str]:
    yield words.UNRATED
    if _sum(said, "labeler_kinds")["model"]:
        yield words.MODELS
    if BY_ROLLOUTS & {judge for found in judges.values() for judge in found}:
        yield words.ROLLOUTS
    if _sum(said, "labeler_kinds")["none"]:
        yield words.OUTCOMES
    if not said["held_out"]:
        yield words.NOT_HELD_OUT
    for name, facts in said["held_out"].items():
        yield (
            f"Held out: {_plain(name)}, of {facts['problems']:,} problems; {facts['left_out']:,}"
            " problems were left out for it. Problems that are the same up to spelling, or share"
            " 13 words in a row, are found; paraphrases are not."
        )
    if left_out := said["labelers_left_out"]:
        names = ", ".join(_plain(one["name"] or one["labeler"]) for one in left_out)
        yield f"Labelers left out: {names}."


def _licence(name: str) -> str:
    if not name:
        return "None is stated: ask whoever published it."
    return f"`{name}`. Problems that come from elsewhere stay under the terms of their source."


def _sources(said: Json) -> Iterator[str]:
    for name in sorted({export["format"] for export in said["exports"].values()}):
        yield f"`{name}`: {words.READERS[name]}"


def _sum(said: Json, name: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for split in said["splits"].values():
        total.update(split[name])
    return total


def _counted(what: str, counts: Counter[str], unit: str) -> str:
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    rows = [(name or "not stated", count) for name, count in ordered[:NAMED]]
    return _table((what, unit), rows) + _more(counts) if rows else ""


def _more(counts: Counter[str]) -> str:
    left = len(counts) - NAMED
    return f"\n\nand {left:,} more, of which `manifest.json` tells." if left > 0 else ""


def _table(heads: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads)]
    lines += [[f"{one:,}" if isinstance(one, int) else _plain(one) for one in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """Return text as Markdown that says just this, on one line of a table."""
    return words.MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def _listed(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)
