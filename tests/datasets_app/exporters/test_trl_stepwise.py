"""TRL's stepwise form, as its trainer reads it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets_app.exporters.base import ExportOptions, OptionRefused
from datasets_app.exporters.trl_stepwise import TrlStepwiseExporter
from tests.datasets_app.marked_json import marked
from tests.datasets_app.prm800k_json import candidate, human, phase_1, phase_2, position
from tests.shared_data import shared_file

Json = dict[str, Any]
PROMPT = "What is $2+3$?\n"


def export(*steps: Json, **options: Any) -> list[Json]:
    record = phase_2()
    if steps:
        record["label"]["steps"] = list(steps)
    chosen = ExportOptions(
        **{"neutral": "positive", "truncate": True, "alternatives": "none", **options}
    )
    return rows(TrlStepwiseExporter(chosen), record)


def rows(exporter: TrlStepwiseExporter, record: Json) -> list[Json]:
    return [row.value for row in exporter.rows([marked(record)])]


def row(*steps: tuple[str, bool]) -> Json:
    return {
        "prompt": PROMPT,
        "completions": [text for text, _ in steps],
        "labels": [label for _, label in steps],
    }


def chosen(text: str, rating: int | None = 1) -> Json:
    return position([candidate(text, rating)], chosen=0)


def test_the_path_is_one_row_that_ends_with_the_error() -> None:
    assert export() == [row(("I add.", True), ("That makes 6.", False))]


def test_labels_are_true_or_false_and_nothing_else() -> None:
    (made,) = export(chosen("a", 0), chosen("b", 1), chosen("c", -1), neutral="negative")
    assert json.dumps(made["labels"]) == "[false]"


@pytest.mark.parametrize(("neutral", "label"), [("positive", True), ("negative", False)])
def test_neutral_steps_become_what_is_asked(neutral: str, label: bool) -> None:
    assert export(chosen("a", 0), neutral=neutral) == [row(("a", label))]


def test_a_step_without_a_label_is_joined_to_the_next_that_has_one() -> None:
    steps = [chosen("a", None), chosen("b", 0), chosen("c", 1), chosen("d", -1)]
    assert export(*steps, neutral="drop") == [row(("a\nb\nc", True), ("d", False))]
    assert export(*steps, neutral="drop", separator="\n\n") == [
        row(("a\n\nb\n\nc", True), ("d", False))
    ]


def test_a_tail_without_labels_is_left_out() -> None:
    assert export(chosen("a"), chosen("b", None)) == [row(("a", True))]


def test_a_row_without_labels_is_left_out() -> None:
    assert export(chosen("a", None), chosen("b", None)) == []
    assert export(position(None)) == []


def test_a_human_step_is_right() -> None:
    assert export(position([candidate("a", 0)], written=human("b"))) == [row(("b", True))]


def test_an_unfinished_stub_is_dropped() -> None:
    assert export(chosen("a"), position([candidate("b", None)])) == [row(("a", True))]


def test_steps_after_an_error_are_kept_on_request() -> None:
    steps = [chosen("a", -1), chosen("b", 1)]
    assert export(*steps) == [row(("a", False))]
    assert export(*steps, truncate=False) == [row(("a", False), ("b", True))]


def test_alternatives_are_rows_behind_the_steps_before_them() -> None:
    steps = [
        position([candidate("a"), candidate("a2", 0), candidate("a3", None)], chosen=0),
        position([candidate("b", 0)], written=human("c")),
        position([candidate("d", -1), candidate("e")]),
    ]
    assert export(*steps, alternatives="rows") == [
        row(("a", True), ("c", True), ("d", False)),
        row(("a2", True)),
        row(("a", True), ("b", True)),
        row(("a", True), ("c", True), ("e", True)),
    ]


def test_alternatives_after_an_unlabelled_step_carry_its_text() -> None:
    steps = [chosen("a", None), position([candidate("b"), candidate("c", -1)], chosen=0)]
    assert export(*steps, alternatives="rows") == [row(("a\nb", True)), row(("a\nc", False))]


@pytest.mark.parametrize("options", [{"neutral": "keep"}, {"alternatives": "keep"}])
def test_what_the_format_cannot_hold_is_refused(options: Json) -> None:
    with pytest.raises(OptionRefused, match="trl-stepwise cannot"):
        export(**options)


RATINGS = st.lists(st.sampled_from([1, 0, -1, None]), max_size=8)


@given(RATINGS, st.sampled_from(["positive", "negative", "drop"]), st.booleans())
def test_the_trainer_gets_the_text_of_the_path_and_one_label_a_completion(
    ratings: list[int | None], neutral: str, truncate: bool
) -> None:
    texts = [f"step {number}" for number in range(len(ratings))]
    steps = [chosen(text, rating) for text, rating in zip(texts, ratings, strict=True)]
    made = export(*steps, neutral=neutral, truncate=truncate) if steps else []
    labels = {"positive": {0: True}, "negative": {0: False}, "drop": {}}[neutral]
    labels |= {1: True, -1: False}
    expected = [labels[rating] for rating in ratings if rating in labels]
    if truncate and False in expected:
        expected = expected[: expected.index(False) + 1]
    assert [label for one in made for label in one["labels"]] == expected
    for one in made:
        assert len(one["completions"]) == len(one["labels"])
        text = "\n".join(one["completions"])
        assert "\n".join(texts).startswith(text)


def finished(record: Json, reason: str | None) -> Json:
    record["label"]["finish_reason"] = reason
    return record


@pytest.mark.parametrize("reason", ["bad_problem", "give_up"])
def test_what_was_not_finished_teaches_nothing(reason: str) -> None:
    for alternatives in ("none", "rows"):
        options = replace(TrlStepwiseExporter.defaults, alternatives=alternatives)
        assert rows(TrlStepwiseExporter(options), finished(phase_2(), reason)) == []


@pytest.mark.parametrize("reason", ["found_error", "solution", None])
def test_what_was_finished_or_says_nothing_of_it_teaches(reason: str | None) -> None:
    (made,) = rows(TrlStepwiseExporter(), finished(phase_2(), reason))
    assert made == row(("I add.", True), ("That makes 6.", False))


def test_real_records_become_rows_of_their_path_lengths() -> None:
    lengths = []
    for line in shared_file("prm800k.jsonl").read_text().splitlines():
        made = rows(TrlStepwiseExporter(), json.loads(line))
        assert {type(label) for one in made for label in one["labels"]} <= {bool}
        lengths.append([sum(one["labels"]) for one in made])
    # The labeler of the fifth gave up.
    assert lengths == [[6], [6], [5], [7], [], [12]]


def test_phase_1_follows_the_human_step() -> None:
    assert rows(TrlStepwiseExporter(), finished(phase_1(), "solution")) == [
        row(("We add.", True), ("2+3", True))
    ]


def test_a_row_names_its_steps_and_where_its_labels_come_from() -> None:
    (made,) = TrlStepwiseExporter().rows([marked(phase_2(), rule="people 1: rest", weight=0.5)])
    solution = "5f0c1b0e-0000-4000-8000-000000000001"
    assert made.origin() == {
        "solution_id": solution,
        "step_ids": [f"{solution}/0.0", f"{solution}/1.0"],
        "labeler_kind": "person",
        "rule": "people 1: rest",
        "weight": 0.5,
    }
