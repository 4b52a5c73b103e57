"""The work report: who did how much, how long it took, and what was given up."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDate

from annotation.models import Annotation, Lease, Project
from annotation.models.marks import AnnotationQuerySet
from annotation.overview import marked_labels, midnight
from annotation.standings import Median
from labelers.models import Labeler

Place = tuple[int, date | None]
"""A labeler, and a day unless days are summed up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one labeler did on one day, or on all of them."""

    labeler: str
    labeler_uuid: str
    day: date | None
    solutions: int = 0
    """Finished for the first time; surplus work is among them."""
    steps: int = 0
    """Marked in these and in corrections."""
    active_ms: int = 0
    elapsed_ms: int = 0
    median_ms: int | None = None
    skips: int = 0
    expired: int = 0
    corrections: int = 0
    surplus: int = 0


NUMBERS = tuple(field.name for field in fields(Work) if field.name not in {"labeler", "day"})


def work(project: Project, *, start: date, end: date, by_day: bool) -> list[Work]:
    """Return the work of every labeler from the day `start` to `end`, both included.

    Days are those of the current time zone. Time that a correction took counts on its own day:
    an annotation's own time includes that of the one it corrects.
    """
    numbers: dict[Place, dict[str, Any]] = defaultdict(dict)
    for rows in (
        _finished(project, start, end, by_day),
        _steps(project, start, end, by_day),
        _given_up(project, start, end, by_day),
    ):
        for row in rows:
            numbers[row.pop("of"), row.pop("day", None)].update(row)
    labelers = Labeler.objects.in_bulk({labeler for labeler, _ in numbers})
    found = [
        Work(
            labeler=labelers[labeler].name,
            labeler_uuid=str(labelers[labeler].uuid),
            day=day,
            **row,
        )
        for (labeler, day), row in numbers.items()
    ]
    return sorted(found, key=lambda row: (row.labeler, row.labeler_uuid, row.day or start))


def total(rows: list[Work]) -> dict[str, int]:
    """Sum up what can be summed up: a median cannot."""
    names = [name for name in NUMBERS if name not in {"labeler_uuid", "median_ms"}]
    return {name: sum(getattr(row, name) for row in rows) for name in names}


def _finished(project: Project, start: date, end: date, by_day: bool) -> Iterator[dict[str, Any]]:
    first = Q(supersedes=None)
    before = "supersedes__"
    annotations = _submitted(project, start, end)
    rows = _grouped(annotations, "labeler", "submitted_at", by_day).annotate(
        solutions=Count("pk", filter=first),
        corrections=Count("pk", filter=~first),
        surplus=Count("pk", filter=first & Q(is_surplus=True)),
        median_ms=Median("total_time_ms", filter=first),
        **{
            name: Coalesce(Sum(F(column) - Coalesce(F(before + column), 0)), 0)
            for name, column in (("active_ms", "total_time_ms"), ("elapsed_ms", "elapsed_ms"))
        },
    )
    return (dict(row) for row in rows.order_by())


def _steps(project: Project, start: date, end: date, by_day: bool) -> Iterator[dict[str, Any]]:
    labels = marked_labels(_submitted(project, start, end))
    grouped = _grouped(labels, "annotation__labeler", "annotation__submitted_at", by_day)
    return (dict(row) for row in grouped.annotate(steps=Count("pk")).order_by())


def _given_up(project: Project, start: date, end: date, by_day: bool) -> Iterator[dict[str, Any]]:
    """Count skipped and expired holds; what was only claimed ahead never was in their hands."""
    leases = Lease.objects.filter(
        project=project,
        ended_at__gte=midnight(start),
        ended_at__lt=midnight(end + timedelta(days=1)),
        outcome__in=[Lease.Outcome.SKIPPED, Lease.Outcome.EXPIRED],
    ).exclude(began_at=None)
    rows = _grouped(leases, "labeler", "ended_at", by_day).annotate(
        skips=Count("pk", filter=Q(outcome=Lease.Outcome.SKIPPED)),
        expired=Count("pk", filter=Q(outcome=Lease.Outcome.EXPIRED)),
    )
    return (dict(row) for row in rows.order_by())


def _submitted(project: Project, start: date, end: date) -> AnnotationQuerySet:
    return Annotation.objects.filter(
        project=project,
        submitted_at__gte=midnight(start),
        submitted_at__lt=midnight(end + timedelta(days=1)),
    )


def _grouped(rows: QuerySet[Any], labeler: str, at: str, by_day: bool) -> Any:
    places = rows.annotate(of=F(labeler))
    if not by_day:
        return places.values("of")
    return places.annotate(day=TruncDate(at)).values("of", "day")


def cells(row: Work) -> list[str]:
    """Return a row for a spreadsheet, in which no cell is a formula."""
    return [cell(value) for value in astuple(row)]


def cell(value: object) -> str:
    """Return what a spreadsheet shows of a value, and never takes for a formula."""
    if not isinstance(value, str):
        # A number is none, negative though it be: a correction may undo time that was counted.
        return "" if value is None else str(value)
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else value
