import copy
import json
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings

from datasets_app.prm800k import prm800k_from_json, prm800k_to_json
from datasets_app.records import BadRecord, CandidateRecord, PositionRecord
from tests.datasets_app.prm800k_json import RECORDS, Json, candidate, phase_1, phase_2, position
from tests.shared_data import shared_file


def parent_of(record: Json, path: str) -> tuple[Any, Any]:
    """The object or list that holds what is at a dotted path, and its key or index there."""
    parent: Any = record
    *parents, last = path.split(".")
    for part in parents:
        parent = parent[int(part) if isinstance(parent, list) else part]
    return parent, int(last) if isinstance(parent, list) else last


def changed(record: Json, path: str, value: Any) -> Json:
    parent, key = parent_of(record, path)
    parent[key] = value
    return record


def without(record: Json, path: str) -> Json:
    parent, key = parent_of(record, path)
    del parent[key]
    return record


def assert_comes_back(value: Json) -> None:
    before = copy.deepcopy(value)
    record = prm800k_from_json(value)
    # The shape is kept in a JSON column.
    record = replace(record, shape=json.loads(json.dumps(record.shape)))
    assert to_the_letter(prm800k_to_json(record)) == to_the_letter(before)
    assert value == before


def to_the_letter(value: Json) -> str:
    """The JSON text, in which true differs from 1; a score of 1 may come back as 1.0."""
    value = copy.deepcopy(value)
    score = value["question"].get("pre_generated_verifier_score")
    if score is not None:
        value["question"]["pre_generated_verifier_score"] = float(score)
    return json.dumps(value, sort_keys=True)


@settings(deadline=None)
@given(RECORDS)
def test_any_record_comes_back_with_the_same_keys_and_values(value: Json) -> None:
    assert_comes_back(value)


def test_the_real_records_come_back_to_the_letter() -> None:
    lines = shared_file("prm800k.jsonl").read_text().splitlines()
    assert len(lines) == 6
    for line in lines:
        assert json.dumps(prm800k_to_json(prm800k_from_json(json.loads(line)))) == line


def test_usual_records_of_both_phases_have_an_empty_shape() -> None:
    assert prm800k_from_json(phase_1()).shape == {}
    assert prm800k_from_json(phase_2()).shape == {}


def test_a_record_says_what_its_fields_mean() -> None:
    record = prm800k_from_json(phase_2())

    assert record.labeler == UUID("cc88bf76-df08-4041-be67-3464279cb3b1")
    assert record.timestamp == datetime(2022, 11, 22, 16, 51, 29, 980606)
    assert record.generation == 6
    assert record.problem.reference_answer == "5"
    assert record.problem.reference_solution == "Count on from 2: 3, 4, 5."
    assert record.pre_generated is not None
    assert record.pre_generated.steps == ("I add.", "That makes 6.", "# Answer\n\n6")
    assert record.total_time_ms == 164458
    assert record.positions[1] == PositionRecord(
        candidates=(
            CandidateRecord(text="That makes 6.", rating=-1, flagged=None),
            CandidateRecord(text="That makes 5.", rating=1, flagged=False),
        )
    )


SAME_TEXTS = [candidate("Same."), candidate("Same.", -1), candidate("Same."), candidate("Other.")]
PRE_GENERATED = "question.pre_generated"
CANDIDATE = "label.steps.1.completions.0"
HUMAN = "label.steps.1.human_completion"
UNUSUAL = {
    "screening": changed(phase_2(), "generation", -1),
    "null answer": changed(phase_2(), "question.ground_truth_answer", None),
    "null solution": changed(phase_2(), "question.ground_truth_solution", None),
    "absent solution": without(phase_2(), "question.ground_truth_solution"),
    "solution in phase 1": changed(phase_1(), "question.ground_truth_solution", "x"),
    "null solution in phase 1": changed(phase_1(), "question.ground_truth_solution", None),
    "absent answer": without(phase_1(), "question.ground_truth_answer"),
    "blank pre-generated answer": changed(phase_2(), f"{PRE_GENERATED}_answer", " "),
    "empty pre-generated steps": changed(phase_2(), f"{PRE_GENERATED}_steps", []),
    "null pre-generated steps": changed(phase_2(), f"{PRE_GENERATED}_steps", None),
    "absent pre-generated steps": without(phase_2(), f"{PRE_GENERATED}_steps"),
    "whole number as score": changed(phase_2(), f"{PRE_GENERATED}_verifier_score", 1),
    "absent score": without(phase_2(), f"{PRE_GENERATED}_verifier_score"),
    "no fraction": changed(phase_1(), "timestamp", "2022-08-04T19:19:50"),
    "two digits of fraction": changed(phase_1(), "timestamp", "2022-08-04T19:19:50.12"),
    "six zeros of fraction": changed(phase_1(), "timestamp", "2022-08-04T19:19:50.000000"),
    "nanoseconds": changed(phase_1(), "timestamp", "2022-08-04T19:19:50.123456789"),
    "null quality control": changed(phase_1(), "is_quality_control_question", None),
    "absent screening": without(phase_1(), "is_initial_screening_question"),
    "absent generation": without(phase_1(), "generation"),
    "null finish reason": changed(phase_1(), "label.finish_reason", None),
    "absent finish reason": without(phase_1(), "label.finish_reason"),
    "null time": changed(phase_1(), "label.total_time", None),
    "absent time": without(phase_1(), "label.total_time"),
    "no positions": changed(phase_1(), "label.steps", []),
    "empty position": changed(phase_1(), "label.steps.2", {}),
    "empty list of candidates": changed(phase_1(), "label.steps.1.completions", []),
    "unrated stub": changed(phase_1(), "label.steps.2.completions", [candidate("?", None)]),
    "null flag": changed(phase_1(), f"{CANDIDATE}.flagged", None),
    "absent flag": without(phase_1(), f"{CANDIDATE}.flagged"),
    "absent rating": without(phase_1(), f"{CANDIDATE}.rating"),
    "same text thrice, the fourth chosen": changed(
        phase_1(), "label.steps.0", position(SAME_TEXTS, chosen=3)
    ),
    "chosen beside human": changed(phase_1(), "label.steps.1.chosen_completion", 0),
    "corrected rating": changed(phase_1(), f"{HUMAN}.corrected_rating", 1),
    "rated human step": changed(phase_1(), f"{HUMAN}.rating", 1),
    "other source": changed(phase_1(), f"{HUMAN}.source", None),
    "absent source": without(phase_1(), f"{HUMAN}.source"),
    "unknown key of a candidate": changed(phase_1(), f"{CANDIDATE}.source", {"model": ["x"]}),
    "unknown key of a position": changed(phase_1(), "label.steps.1.critique", None),
    "unknown key of the label": changed(phase_1(), "label.progress", 3),
    "unknown key of the question": changed(phase_1(), "question.subject", "Algebra"),
    "unknown key of the record": {**phase_1(), "label.steps": 1, "record": {"a": 2}},
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_an_unusual_record_comes_back(name: str) -> None:
    assert_comes_back(UNUSUAL[name])


def test_the_shape_says_how_a_record_was_spelt_and_nothing_else() -> None:
    value = changed(phase_2(), "question.ground_truth_solution", None)
    value = changed(without(value, f"{CANDIDATE}.flagged"), "timestamp", "2022-11-22T16:51:29")
    value = changed(value, f"{CANDIDATE}.corrected_rating", 1)

    assert prm800k_from_json(value).shape == {
        "record": {"fraction": ""},
        "question": {"null": ["ground_truth_solution"]},
        "label.steps.1.completions.0": {"absent": ["flagged"], "other": {"corrected_rating": 1}},
    }


def test_what_the_problem_learned_elsewhere_does_not_leak_into_the_record() -> None:
    """One row holds a problem of both phases, with the solution that only one of them told."""
    for value in (phase_1(), UNUSUAL["null solution"], UNUSUAL["absent solution"]):
        record = prm800k_from_json(value)
        learned = replace(record.problem, reference_solution="Told by another record.")
        assert prm800k_to_json(replace(record, problem=learned)) == value


def test_a_changed_rating_is_the_only_thing_that_changes() -> None:
    record = prm800k_from_json(UNUSUAL["absent flag"])
    first, second, third = record.positions
    assert second.candidates is not None
    wrong, hm = second.candidates
    second = replace(second, candidates=(replace(wrong, rating=1), hm))

    value = prm800k_to_json(replace(record, positions=(first, second, third)))

    assert value == changed(copy.deepcopy(UNUSUAL["absent flag"]), f"{CANDIDATE}.rating", 1)


def test_a_changed_time_is_not_spelt_like_the_old_one() -> None:
    record = prm800k_from_json(UNUSUAL["two digits of fraction"])
    later = replace(record, timestamp=datetime(2022, 8, 4, 19, 19, 51, 130000))
    assert prm800k_to_json(later)["timestamp"] == "2022-08-04T19:19:51.130000"


BAD: list[tuple[str, Any, str]] = [
    ("labeler", None, "must be text, not null"),
    ("labeler", "somebody", "must be a UUID, in lower case with its four hyphens"),
    (
        "labeler",
        "E90A38F3-3135-4465-87AF-3E6322E3D772",
        "must be a UUID, in lower case with its four hyphens",
    ),
    ("timestamp", 5, "must be text, not a whole number 5"),
    (
        "timestamp",
        "2022-08-04T19:19:50.318226+00:00",
        "must be YYYY-MM-DDTHH:MM:SS.ffffff, without a time zone",
    ),
    ("timestamp", "2022-02-30T19:19:50", "is no such time: day is out of range for month"),
    ("generation", "6", "must be null or a whole number from -1 to 32767, not text"),
    ("generation", -2, "must be null or a whole number from -1 to 32767, not a whole number -2"),
    ("is_quality_control_question", 0, "must be true, false or null, not a whole number 0"),
    ("question", [], "must be an object, not a list"),
    ("question.problem", "  ", "is blank"),
    ("question.ground_truth_answer", 29, "must be text or null, not a whole number 29"),
    ("question.pre_generated_steps", "one", "must be a list, not text"),
    ("question.pre_generated_steps.1", None, "must be text, not null"),
    ("question.pre_generated_verifier_score", True, "must be a number or null, not true or false"),
    (
        "question.pre_generated_verifier_score",
        2**53 + 1,
        "must be a number or null, not a whole number 9007199254740993",
    ),
    ("label", None, "must be an object, not null"),
    ("label.steps", None, "must be a list, not null"),
    ("label.total_time", 1.5, "must be null or a whole number from 0 to 9223372036854775807, "),
    ("label.finish_reason", "bored", "must be null or one of bad_problem, found_error, give_up, "),
    ("label.steps.1", "x", "must be an object, not text"),
    ("label.steps.1.completions", {}, "must be a list, not an object"),
    ("label.steps.1.completions.1", None, "must be an object, not null"),
    ("label.steps.1.completions.1.text", None, "must be text, not null"),
    ("label.steps.1.completions.1.rating", 2, "must be -1, 0, 1 or null, not a whole number 2"),
    ("label.steps.1.completions.1.rating", 1.0, "must be -1, 0, 1 or null, not a number 1.0"),
    ("label.steps.1.completions.1.rating", True, "must be -1, 0, 1 or null, not true or false"),
    ("label.steps.1.completions.1.flagged", "no", "must be true, false or null, not text"),
    ("label.steps.1.human_completion", "x", "must be an object, not text"),
    (
        "label.steps.1.chosen_completion",
        2,
        "must be null or the place of one of 2 completions, not a whole number 2",
    ),
    ("label.steps.1.chosen_completion", -1, "must be null or the place of one of 2 completions, "),
    ("label.steps.1.chosen_completion", False, "must be null or the place of one of 2 "),
]


@pytest.mark.parametrize(("path", "value", "reason"), BAD)
def test_a_field_of_wrong_type_or_out_of_range_is_named(path: str, value: Any, reason: str) -> None:
    with pytest.raises(BadRecord) as error:
        prm800k_from_json(changed(phase_2(), path, value))
    assert error.value.field_path == path
    assert error.value.reason.startswith(reason)
    assert str(error.value) == f"{path}: {error.value.reason}"


@pytest.mark.parametrize(
    "path",
    [
        "labeler",
        "timestamp",
        "question",
        "question.problem",
        "label",
        "label.steps",
        "label.steps.0.completions.0.text",
        "label.steps.1.human_completion.text",
    ],
)
def test_a_field_that_must_be_there_is_named(path: str) -> None:
    with pytest.raises(BadRecord) as error:
        prm800k_from_json(without(phase_1(), path))
    assert str(error.value) == f"{path}: is missing"


def test_a_choice_among_candidates_that_were_not_listed_is_refused() -> None:
    value = changed(phase_1(), "label.steps.2.chosen_completion", 0)
    with pytest.raises(BadRecord, match=r"label\.steps\.2\.chosen_completion: .* 0 completions"):
        prm800k_from_json(value)


def test_more_positions_than_the_tables_number_are_refused() -> None:
    value = changed(phase_1(), "label.steps", [position(None)] * 32_768)
    with pytest.raises(BadRecord, match=r"label\.steps: has 32,768 entries, more than 32,767"):
        prm800k_from_json(value)


def test_more_candidates_than_a_labeler_could_read_are_refused() -> None:
    value = changed(phase_1(), "label.steps.1.completions", [candidate("a")] * 1001)
    with pytest.raises(BadRecord, match=r"label\.steps\.1\.completions: has 1,001 .* than 1,000"):
        prm800k_from_json(value)
