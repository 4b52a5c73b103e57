"""Stepmark's own flat form, one line a step: what the `steps` exporter writes, and less."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import cast, get_args
from uuid import UUID

from datasets_app import fields
from datasets_app.exporters.steps import StepsExporter
from datasets_app.importers.base import Importer, Json
from datasets_app.path import NEGATIVE
from datasets_app.prm800k import MAX_CANDIDATES, MAX_POSITIONS
from datasets_app.records import (
    BadRecord,
    CandidateRecord,
    FinishReason,
    LabelerRecord,
    MarkedRecord,
    PositionRecord,
    ProblemRecord,
    SolutionRecord,
)
from labelers.trace import Rating

_LABELER_LENGTH = 200
_KINDS = ("model", "none", "person", "verdict")
_OF_RECORD = ("solution_id", "labeler_kind", "labeler", "timestamp")
"""What the lines of one record have in common."""


@dataclass(frozen=True, slots=True)
class _Line:
    place: int
    """Among the lines of the record, from 0."""
    position: int
    alternative: int
    on_path: bool
    is_human: bool
    said: CandidateRecord

    @property
    def is_marked(self) -> bool:
        marks = (self.said.rating, self.said.soft, self.said.probabilities)
        return self.is_human or not self.on_path or any(mark is not None for mark in marks)


class StepsImporter(Importer):
    """`solution_id`, `position` and `text`, `problem`, and where known `rating`, `soft`, …

    The lines of a solution follow each other. Without a `labeler_kind` the marks are a model's.
    """

    name = "steps"
    kind = MarkedRecord

    def matches(self, value: Json) -> bool:
        return "solution_id" in value and "position" in value and "text" in value

    def together(self, value: Json) -> str | None:
        return json.dumps([value.get(key) for key in _OF_RECORD])

    def records(self, value: Json) -> list[MarkedRecord]:
        return self.records_of([value])

    def records_of(self, values: Sequence[Json]) -> list[MarkedRecord]:
        by_position: list[list[_Line]] = []
        for place, value in enumerate(values):
            try:
                line = _line(place, value)
                _check_problem(value, values[0])
            except BadRecord as error:
                raise BadRecord(error.field_path, error.reason, place) from None
            if line.position == len(by_position):
                by_position.append([])
            elif line.position != len(by_position) - 1:
                follows = f"{len(by_position) - 1} or {len(by_position)}" if by_position else "0"
                raise BadRecord("position", f"must be {follows}, not {line.position}", place)
            by_position[-1].append(line)
        return [_record(values[0], by_position)]


def _line(place: int, value: Json) -> _Line:
    position = fields.optional_int(value, "position", (), 0, MAX_POSITIONS - 1)
    if position is None:
        raise fields.wrong(value, "position", (), "a whole number")
    alternative = fields.optional_int(value, "alternative", (), 0, MAX_POSITIONS) or 0
    on_path = fields.optional_bool(value, "on_path")
    rating = fields.optional_int(value, "rating", (), -1, 1)
    line = _Line(
        place,
        position,
        alternative,
        alternative == 0 if on_path is None else on_path,
        fields.optional_bool(value, "is_human") or False,
        CandidateRecord(
            text=fields.any_text(value, "text"),
            rating=cast("Rating | None", rating),
            flagged=None,
            soft=_share(value, "soft"),
            probabilities=_probabilities(value),
        ),
    )
    if line.is_human and not line.on_path:
        raise BadRecord("on_path", "must be true of a step that a person wrote")
    return line


def _share(value: Json, key: str) -> float | None:
    share = fields.optional_float(value, key)
    if share is not None and not 0 <= share <= 1:
        raise fields.wrong(value, key, (), "null or a number from 0 to 1")
    return share


def _probabilities(value: Json) -> tuple[float, float, float] | None:
    if value.get("probabilities") is None:
        return None
    given = fields.children(value, "probabilities")
    shares = [_share({"probabilities": share}, "probabilities") for share in given]
    if len(shares) != 3 or None in shares:
        raise BadRecord("probabilities", "must be null or P(-1), P(0) and P(+1)")
    return cast("tuple[float, float, float]", tuple(shares))


def _check_problem(value: Json, first: Json) -> None:
    if value.get("problem") not in (None, first.get("problem")):
        raise BadRecord("problem", "is not that of the solution's first line")


def _record(first: Json, by_position: list[list[_Line]]) -> MarkedRecord:
    paths = [_on_path(lines, is_last=lines is by_position[-1]) for lines in by_position]
    own = [
        next((line for line in lines if line.alternative == 0), path)
        for lines, path in zip(by_position, paths, strict=True)
    ]
    steps = tuple(line.said.text for line in own if line)
    marked = [
        place for place, lines in enumerate(by_position) if any(one.is_marked for one in lines)
    ]
    count = max(marked, default=-1) + 1
    finish_reason = _finish_reason(first)
    problem = ProblemRecord(
        text=fields.text(first, "problem"),
        reference_answer=fields.optional_text(first, "reference_answer"),
        source=fields.short_text(first, "source", fields.SOURCE_LENGTH),
        split=fields.short_text(first, "split", fields.SPLIT_LENGTH),
    )
    return MarkedRecord(
        problem=problem,
        solution=SolutionRecord(
            problem=problem,
            text="\n".join(steps),
            steps=steps,
            model=fields.short_text(first, "model", fields.MODEL_LENGTH),
            claimed_correct=fields.optional_bool(first, "is_correct"),
            metadata=fields.metadata(first, StepsExporter.columns),
        ),
        labeler=_labeler(first, is_marked=count > 0 or finish_reason is not None),
        positions=tuple(
            _position(lines, path, is_last=place == count - 1)
            for place, (lines, path) in enumerate(zip(by_position, paths, strict=True))
            if place < count
        ),
        human=tuple(place for place, line in enumerate(own) if line and line.is_human),
        finish_reason=finish_reason,
        timestamp=_timestamp(first),
    )


def _on_path(lines: list[_Line], *, is_last: bool) -> _Line | None:
    """Return the step that the solution went on with; None at the end of what was given up."""
    first = lines[0]
    if len(lines) > MAX_CANDIDATES:
        raise BadRecord("position", f"has more than {MAX_CANDIDATES:,} lines", first.place)
    found = [line for line in lines if line.on_path]
    if len(found) > 1:
        raise BadRecord("on_path", f"is true twice at position {first.position}", found[1].place)
    is_wrong = any(line.said.rating == NEGATIVE for line in lines)
    if not found and (is_wrong or not is_last):
        raise BadRecord("on_path", f"is never true at position {first.position}", first.place)
    return found[0] if found else None


def _position(lines: list[_Line], path: _Line | None, *, is_last: bool) -> PositionRecord:
    listed = [line for line in lines if not line.is_human]
    chosen = listed.index(path) if path and not path.is_human else None
    if chosen is not None and is_last and listed[chosen].said.rating == NEGATIVE:
        # A wrong step that ends the work stands first, and none is chosen.
        listed.insert(0, listed.pop(chosen))
        chosen = None
    return PositionRecord(
        candidates=tuple(line.said for line in listed),
        # It counts as right by being written, and is not rated.
        human=replace(path.said, rating=None) if path and path.is_human else None,
        chosen=chosen,
    )


def _labeler(first: Json, *, is_marked: bool) -> LabelerRecord | None:
    name = fields.short_text(first, "labeler", _LABELER_LENGTH)
    match fields.optional_text(first, "labeler_kind"):
        case "person":
            try:
                person = UUID(name)
            except ValueError:
                raise BadRecord("labeler", "must be the UUID of a person") from None
            labeler = LabelerRecord(name=f"Labeler {str(person)[:8]}", person=person)
        case "verdict":
            labeler = LabelerRecord(name="verdicts")
        case "model" | None:
            labeler = LabelerRecord(name=name or "steps")
        case "none":
            if is_marked:
                raise BadRecord("labeler_kind", "is none, but something is marked")
            return None
        case _:
            raise BadRecord("labeler_kind", f"must be null or one of {', '.join(_KINDS)}")
    return labeler if is_marked else None


def _finish_reason(first: Json) -> FinishReason | None:
    reason = fields.optional_text(first, "finish_reason")
    if reason is not None and reason not in get_args(FinishReason):
        allowed = ", ".join(sorted(get_args(FinishReason)))
        raise BadRecord("finish_reason", f"must be null or one of {allowed}")
    return cast("FinishReason | None", reason)


def _timestamp(first: Json) -> datetime | None:
    text = fields.optional_text(first, "timestamp")
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
    except (ValueError, OverflowError) as error:
        raise BadRecord("timestamp", f"is no such time: {error}") from None
