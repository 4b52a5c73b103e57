"""PRM800K's JSON, one labelled solution a line: to plain values and back without loss.

Format: https://github.com/openai/prm800k (README) and its published records. What a record says
goes into the fields of AnnotationRecord; how it was spelt, where that is unusual, into `shape`
(`datasets_app/shape.py`).
"""

import re
from collections.abc import Mapping, Sized
from datetime import datetime
from typing import Any, cast, get_args
from uuid import UUID

from datasets_app import fields
from datasets_app.fields import Where
from datasets_app.records import (
    AnnotationRecord,
    BadRecord,
    CandidateRecord,
    FinishReason,
    PositionRecord,
    PreGenerated,
    ProblemRecord,
)
from datasets_app.shape import Shape, note, note_keys, respell, spelling
from labelers.trace import Rating

MAX_GENERATION = 32_767
MAX_TIME_MS = 2**63 - 1
MAX_POSITIONS = 32_767
MAX_CANDIDATES = 1_000
"""At a position."""

_QUALITY_CONTROL = "is_quality_control_question"
_SCREENING = "is_initial_screening_question"
_RECORD_KEYS = frozenset(
    {"labeler", "timestamp", "generation", _QUALITY_CONTROL, _SCREENING, "question", "label"}
)
_PHASE_1_KEYS = frozenset({"problem", "ground_truth_answer"})
_PRE_GENERATED_KEYS = frozenset(
    {"pre_generated_steps", "pre_generated_answer", "pre_generated_verifier_score"}
)
_PHASE_2_KEYS = _PHASE_1_KEYS | _PRE_GENERATED_KEYS | {"ground_truth_solution"}
_LABEL_KEYS = frozenset({"steps", "total_time", "finish_reason"})
_POSITION_KEYS = frozenset({"completions", "human_completion", "chosen_completion"})
_CANDIDATE_KEYS = frozenset({"text", "rating", "flagged"})
_HUMAN_KEYS = _CANDIDATE_KEYS | {"source"}
_FINISH_REASONS = frozenset(get_args(FinishReason))
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?", re.ASCII)


def prm800k_from_json(value: Mapping[str, Any]) -> AnnotationRecord:
    """Return what one PRM800K record says; raises BadRecord with the exact path of a bad field.

    Beside the texts, only `labeler`, `timestamp`, `question`, `label` and its `steps` must be
    there. Repeating keys, NaN and the like are for the reader of lines to refuse.
    """
    shape: Shape = {}
    if value.keys() != _RECORD_KEYS:
        note_keys(shape, (), value, _RECORD_KEYS)
    question = fields.child(value, "question")
    label = fields.child(value, "label")
    if label.keys() != _LABEL_KEYS:
        note_keys(shape, ("label",), label, _LABEL_KEYS)
    return AnnotationRecord(
        labeler=_labeler(value),
        timestamp=_timestamp(value, shape),
        generation=fields.optional_int(value, "generation", (), -1, MAX_GENERATION),
        is_quality_control=_flag(value, _QUALITY_CONTROL, shape),
        is_screening=_flag(value, _SCREENING, shape),
        problem=_problem(question, shape),
        pre_generated=_pre_generated(question, shape),
        positions=_positions(label, shape),
        total_time_ms=fields.optional_int(label, "total_time", ("label",), 0, MAX_TIME_MS),
        finish_reason=_finish_reason(label),
        shape=shape,
    )


def prm800k_to_json(record: AnnotationRecord) -> dict[str, Any]:
    """Return the record as PRM800K spells it, keys in the order of the published files.

    The exact inverse of `prm800k_from_json`.
    """
    value: dict[str, Any] = {
        "labeler": str(record.labeler),
        "timestamp": record.timestamp.isoformat(timespec="microseconds"),
        "generation": record.generation,
        _QUALITY_CONTROL: record.is_quality_control,
        _SCREENING: record.is_screening,
        "question": _question_json(record),
        "label": {
            "steps": [_position_json(position) for position in record.positions],
            "total_time": record.total_time_ms,
            "finish_reason": record.finish_reason,
        },
    }
    respell(value, record.shape)
    return value


# --- Reading ----------------------------------------------------------------------------------


def _labeler(value: Mapping[str, Any]) -> UUID:
    text = fields.any_text(value, "labeler")
    try:
        labeler = UUID(text)
    except ValueError:
        labeler = None
    if labeler is None or str(labeler) != text:
        raise BadRecord("labeler", "must be a UUID, in lower case with its four hyphens")
    return labeler


def _timestamp(value: Mapping[str, Any], shape: Shape) -> datetime:
    text = fields.any_text(value, "timestamp")
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        raise BadRecord("timestamp", "must be YYYY-MM-DDTHH:MM:SS.ffffff, without a time zone")
    seconds, fraction = found[1], found[2] or ""
    try:
        timestamp = datetime.fromisoformat(seconds)
    except ValueError as error:
        raise BadRecord("timestamp", f"is no such time: {error}") from None
    if len(fraction) != 6:
        shape.setdefault("record", {})["fraction"] = fraction
    return timestamp.replace(microsecond=int(fraction[:6].ljust(6, "0")))


def _flag(value: Mapping[str, Any], key: str, shape: Shape) -> bool:
    flag = fields.optional_bool(value, key)
    if flag is None and key in value:
        note(shape, (), "null", key)
    return bool(flag)


def _problem(question: Mapping[str, Any], shape: Shape) -> ProblemRecord:
    where = ("question",)
    if _PRE_GENERATED_KEYS.isdisjoint(question):
        known = _PHASE_1_KEYS
        if question.get("ground_truth_solution") is not None:
            note(shape, where, "given", "ground_truth_solution")
    else:
        known = _PHASE_2_KEYS
    if question.keys() != known:
        note_keys(shape, where, question, known, aside=frozenset({"ground_truth_solution"}))
    for key in ("ground_truth_answer", "ground_truth_solution"):
        if key in question and question[key] is None:
            note(shape, where, "null", key)
    return ProblemRecord(
        text=fields.text(question, "problem", where),
        reference_answer=fields.optional_text(question, "ground_truth_answer", where),
        reference_solution=fields.optional_text(question, "ground_truth_solution", where),
        source="prm800k",
    )


def _pre_generated(question: Mapping[str, Any], shape: Shape) -> PreGenerated | None:
    if _PRE_GENERATED_KEYS.isdisjoint(question):
        return None
    where = ("question",)
    steps: tuple[str, ...] = ()
    if question.get("pre_generated_steps") is not None:
        steps = fields.texts(question, "pre_generated_steps", where)
        _check_count(steps, MAX_POSITIONS, (*where, "pre_generated_steps"))
    elif "pre_generated_steps" in question:
        note(shape, where, "null", "pre_generated_steps")
    return PreGenerated(
        steps=steps,
        answer=fields.optional_text(question, "pre_generated_answer", where),
        verifier_score=fields.optional_float(question, "pre_generated_verifier_score", where),
    )


def _positions(label: Mapping[str, Any], shape: Shape) -> tuple[PositionRecord, ...]:
    steps = fields.children(label, "steps", ("label",))
    _check_count(steps, MAX_POSITIONS, ("label", "steps"))
    return tuple(
        [_position(step, ("label", "steps", index), shape) for index, step in enumerate(steps)]
    )


def _position(step: Any, where: Where, shape: Shape) -> PositionRecord:
    _check_object(step, where)
    if step.keys() != _POSITION_KEYS:
        note_keys(shape, where, step, _POSITION_KEYS)
    candidates: tuple[CandidateRecord, ...] | None = None
    if step.get("completions") is not None:
        listed = fields.children(step, "completions", where)
        _check_count(listed, MAX_CANDIDATES, (*where, "completions"))
        candidates = tuple(
            [
                _candidate(value, (*where, "completions", index), shape, _CANDIDATE_KEYS)
                for index, value in enumerate(listed)
            ]
        )
    human = step.get("human_completion")
    return PositionRecord(
        candidates=candidates,
        human=None if human is None else _human(human, (*where, "human_completion"), shape),
        chosen=_chosen(step, where, len(candidates or ())),
    )


def _candidate(value: Any, where: Where, shape: Shape, known: frozenset[str]) -> CandidateRecord:
    _check_object(value, where)
    if value.keys() != known:
        note_keys(shape, where, value, known)
    rating = value.get("rating")
    if rating is not None and (type(rating) is not int or not -1 <= rating <= 1):
        raise fields.wrong(value, "rating", where, "-1, 0, 1 or null")
    return CandidateRecord(
        text=fields.any_text(value, "text", where),
        rating=cast("Rating | None", rating),
        flagged=fields.optional_bool(value, "flagged", where),
    )


def _human(value: Any, where: Where, shape: Shape) -> CandidateRecord:
    human = _candidate(value, where, shape, _HUMAN_KEYS)
    source = value.get("source", "human")
    if source != "human":
        spelling(shape, where).setdefault("other", {})["source"] = source
    return human


def _chosen(step: Mapping[str, Any], where: Where, count: int) -> int | None:
    chosen = step.get("chosen_completion")
    if chosen is None:
        return None
    if type(chosen) is not int or not 0 <= chosen < count:
        raise fields.wrong(
            step, "chosen_completion", where, f"null or the place of one of {count} completions"
        )
    return chosen


def _finish_reason(label: Mapping[str, Any]) -> FinishReason | None:
    reason = fields.optional_text(label, "finish_reason", ("label",))
    if reason is not None and reason not in _FINISH_REASONS:
        allowed = ", ".join(sorted(_FINISH_REASONS))
        raise BadRecord("label.finish_reason", f"must be null or one of {allowed}")
    return cast("FinishReason | None", reason)


def _check_object(value: Any, where: Where) -> None:
    if type(value) is not dict:
        raise BadRecord(fields.path(*where), f"must be an object, not {fields.json_name(value)}")


def _check_count(entries: Sized, limit: int, where: Where) -> None:
    if len(entries) > limit:
        raise BadRecord(fields.path(*where), f"has {len(entries):,} entries, more than {limit:,}")


# --- Writing ----------------------------------------------------------------------------------


def _question_json(record: AnnotationRecord) -> dict[str, Any]:
    problem, pre_generated = record.problem, record.pre_generated
    question: dict[str, Any] = {"problem": problem.text}
    is_given = "ground_truth_solution" in record.shape.get("question", {}).get("given", ())
    if pre_generated is not None or is_given:
        question["ground_truth_solution"] = problem.reference_solution
    question["ground_truth_answer"] = problem.reference_answer
    if pre_generated is not None:
        question["pre_generated_steps"] = list(pre_generated.steps)
        question["pre_generated_answer"] = pre_generated.answer
        question["pre_generated_verifier_score"] = pre_generated.verifier_score
    return question


def _position_json(position: PositionRecord) -> dict[str, Any]:
    human = position.human
    return {
        "completions": None
        if position.candidates is None
        else [_candidate_json(candidate) for candidate in position.candidates],
        "human_completion": None
        if human is None
        else {
            "text": human.text,
            "rating": human.rating,
            "source": "human",
            "flagged": human.flagged,
        },
        "chosen_completion": position.chosen,
    }


def _candidate_json(candidate: CandidateRecord) -> dict[str, Any]:
    return {
        "text": candidate.text,
        "rating": candidate.rating,
        "flagged": candidate.flagged,
    }
