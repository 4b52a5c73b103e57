"""Who marks in a project: how much, how fast, and what they hold now."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any

from django.db.models import Aggregate, BigIntegerField, Count, Max, Q

from annotation.models import Lease, Project, StepLabel
from annotation.models.marks import AnnotationQuerySet
from annotation.models.work import LeaseQuerySet
from annotation.overview import in_time, visible_annotations
from annotation.reading import MARKS
from labelers.models import Labeler
from web.bars import Bar, bar
from web.models import User

MOST_HOLDS = 200


class Median(Aggregate):
    """The middle one of all values, the lower of two; nulls are not among them."""

    name = "median"
    template = "percentile_disc(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = BigIntegerField()
    allow_distinct = False


@dataclass(slots=True, kw_only=True)
class Standing:
    """One labeler's part in a project."""

    labeler_id: int
    name: str
    is_model: bool
    solutions: int = 0
    steps: int | None = 0
    """None where there are too many to count in time."""
    marks: Bar = field(default_factory=lambda: bar(()))
    median_ms: int | None = None
    last_active: datetime | None = None
    holding: int = 0
    held_until: datetime | None = None
    """When the last of what they hold runs out."""


def standings(project: Project, user: User) -> list[Standing]:
    """Return the part of every labeler whose marks `user` may read, by kind and name."""
    annotations = visible_annotations(project, user)
    # The marks are the most there is to count: without them the rest is still worth showing.
    spread = in_time(partial(_spreads, annotations))
    of_annotations = annotations.values("labeler").annotate(
        solutions=Count("pk"), median_ms=Median("total_time_ms"), last_active=Max("submitted_at")
    )
    of_holds = (
        holds_seen(project, user)
        .values("labeler")
        .annotate(holding=Count("pk"), held_until=Max("until"))
    )
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for row in chain(of_annotations.order_by(), of_holds.order_by()):
        numbers: dict[str, Any] = dict(row)
        found[numbers.pop("labeler")].update(numbers)
    labelers = Labeler.objects.filter(pk__in=found).order_by("-kind", "name", "pk")
    return [
        Standing(
            labeler_id=labeler.pk,
            name=labeler.name,
            is_model=labeler.kind == Labeler.Kind.MODEL,
            steps=None if spread is None else spread[labeler.pk].steps,
            marks=bar(()) if spread is None else spread[labeler.pk].bar,
            **found[labeler.pk],
        )
        for labeler in labelers
    ]


@dataclass(slots=True)
class Spread:
    """How many marks of each kind one labeler made."""

    counts: dict[int | None, int] = field(default_factory=dict)
    steps: int = 0
    """Those that were rated or flagged; imported records list others too."""

    @property
    def bar(self) -> Bar:
        return bar(
            (tone, word, self.counts.get(rating, 0))
            for rating, (tone, _sign, word) in MARKS.items()
        )


def _spreads(annotations: AnnotationQuerySet) -> dict[int, Spread]:
    """Return the marks in `annotations` by the id of their labeler."""
    unsure = Count("pk", filter=Q(rating=None, flagged=True))
    rows = (
        StepLabel.objects.filter(annotation__in=annotations)
        .values_list("annotation__labeler", "rating")
        .annotate(n=Count("pk"), n_unsure=unsure)
    )
    spreads: dict[int, Spread] = defaultdict(Spread)
    for labeler, rating, n, n_unsure in rows.order_by():
        spreads[labeler].counts[rating] = n
        spreads[labeler].steps += n_unsure if rating is None else n
    return spreads


def holds_seen(project: Project, user: User) -> LeaseQuerySet:
    """Return what is in somebody's hands, as far as `user` may see who does what."""
    holds = Lease.objects.holding().filter(project=project)
    if Project.objects.marks_visible_to(user).contains(project):
        return holds
    return holds.filter(labeler__user=user)


def holds(project: Project, user: User) -> list[Lease]:
    """Return who holds what, what runs out first coming first, at most 200."""
    seen = holds_seen(project, user).select_related("labeler").defer("draft")
    return list(seen.order_by("until", "pk")[:MOST_HOLDS])
