"""What a frozen version holds, as numbers and plots of each split, from its manifest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from datasets_app.marked import Json
from datasets_app.rules import TRAIN
from datasets_app.tally import LONGEST
from datasets_app.token_lengths import BIN
from web.bars import Bar, bar
from web.histograms import MOST_COLUMNS, Histogram, grouped, histogram, numbers, shares

TENTHS = tuple(f"{tenth / 10:.1f}" for tenth in range(11))
MOST_ROWS = 12
"""Of a table of counts; the manifest has the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Counts by name, the most frequent first."""

    title: str
    rows: tuple[tuple[str, int], ...]
    n_more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCard:
    """One split: its sizes, plots and tables."""

    name: str
    counts: Json
    labels: Bar
    first_error: Histogram
    """By the number of the step, from 1."""
    without_error: int
    lengths: Histogram
    agreement: Histogram
    marked_once: int
    """Marked solutions that no second labeler marked: nothing is known of their agreement."""
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutCard:
    name: str
    problems: int
    left_out: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    splits: tuple[SplitCard, ...]
    held_out: tuple[HeldOutCard, ...]
    held_out_problems: list[Json]
    problems_seen: int
    duplicates: int
    torn: int
    reported: int
    labelers_left_out: list[Json]


def splits_of(manifest: Mapping[str, Any]) -> list[tuple[str, Json]]:
    """Return name and counts of each split, the one to train on first."""
    return sorted(manifest["splits"].items(), key=lambda one: (one[0] != TRAIN, one[0]))


def scorecard(manifest: Mapping[str, Any]) -> Scorecard:
    """Return the scorecard of `Snapshot.manifest` of a frozen version."""
    return Scorecard(
        splits=tuple(_split(name, counts) for name, counts in splits_of(manifest)),
        held_out=tuple(
            HeldOutCard(
                name=name,
                problems=facts["problems"],
                left_out=facts["left_out"],
                sha256=facts["sha256"],
            )
            for name, facts in manifest["held_out"].items()
        ),
        held_out_problems=manifest["held_out_problems"],
        problems_seen=manifest["problems_seen"],
        duplicates=manifest["duplicates"],
        torn=manifest["torn"],
        reported=manifest["reported"],
        labelers_left_out=manifest["labelers_left_out"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCard:
    """How long rows are under one tokenizer."""

    said: Json
    lengths: Histogram


def token_card(said: Json) -> TokenCard:
    """Return the plot of one of `about.token_lengths`."""
    counts = numbers(said["lengths"])
    end = max(counts) + BIN
    size = BIN * -(-end // (BIN * MOST_COLUMNS))
    groups = [
        (f"{start:,}", sum(counts.get(one, 0) for one in range(start, start + size, BIN)))
        for start in range(0, end, size)
    ]
    return TokenCard(said=said, lengths=histogram(groups))


def _split(name: str, counts: Json) -> SplitCard:
    positions = grouped(numbers(counts["first_error"], plus=1), last_is_open=LONGEST + 1)
    agreement = counts["agreement"]
    known = {name: count for name, count in agreement.items() if name != "none"}
    return SplitCard(
        name=name,
        counts=counts,
        labels=_labels(counts["labels"]),
        first_error=histogram(positions),
        without_error=counts["first_error"].get("none", 0),
        lengths=histogram(grouped(numbers(counts["lengths"]), last_is_open=LONGEST)),
        agreement=histogram(shares(known, TENTHS) if known else []),
        marked_once=agreement.get("none", 0),
        tables=_tables(counts),
    )


def _labels(counts: Mapping[str, int]) -> Bar:
    return bar(
        [
            ("great", _("Great"), counts.get("1", 0)),
            ("okay", _("Okay"), counts.get("0", 0)),
            ("bad", _("Bad"), counts.get("-1", 0)),
            ("none", _("not rated"), counts.get("null", 0)),
        ]
    )


def _tables(counts: Json) -> tuple[Table, ...]:
    names = {
        "labeler_kinds": _("Who marked"),
        "rules": _("Decided by"),
        "finish_reasons": _("How the work ended"),
        "correctness": _("Final answer"),
        "models": _("Written by"),
        "subjects": _("Subject"),
        "levels": _("Level"),
    }
    made = []
    for key, title in names.items():
        rows = [(name or "–", count) for name, count in counts[key].items()]
        if len(rows) > 1 or (rows and rows[0][0] != "–"):
            listed = tuple(rows[:MOST_ROWS])
            made.append(Table(title=title, rows=listed, n_more=len(rows) - len(listed)))
    return tuple(made)
