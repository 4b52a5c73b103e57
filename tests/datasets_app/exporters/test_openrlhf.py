"""OpenRLHF's process rewards, as its trainer counts placeholders and labels."""

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from datasets_app.exporters.base import OptionRefused
from datasets_app.exporters.openrlhf import PLACEHOLDER, OpenRlhfExporter
from datasets_app.marked import MarkedSolution
from tests.datasets_app.marked_json import marked
from tests.datasets_app.prm800k_json import candidate, human, phase_2, position
from tests.shared_data import shared_file

Json = dict[str, Any]


def solution(*steps: Json, soft: list[float | None] | None = None) -> MarkedSolution:
    record = phase_2()
    if steps:
        record["label"]["steps"] = list(steps)
    one = marked(record)
    for beside, value in zip(one.marks, soft or [], strict=False):
        beside[0][1] = value
    return one


def export(one: MarkedSolution, **options: Any) -> list[Json]:
    exporter = OpenRlhfExporter(replace(OpenRlhfExporter.defaults, **options))
    return [row.value for row in exporter.rows([one])]


def chosen(text: str, rating: int | None = 1) -> Json:
    return position([candidate(text, rating)], chosen=0)


def test_each_label_has_a_placeholder_behind_its_step() -> None:
    assert export(solution()) == [
        {"input": "What is $2+3$? I add. ки\nThat makes 6. ки", "value": ["+", "-"]}
    ]


def test_soft_labels_are_floats_also_where_only_a_rating_is_known() -> None:
    steps = [chosen("a"), chosen("b", 0), position([], written=human("c")), chosen("d", -1)]
    (row,) = export(solution(*steps, soft=[1, 0.25]), labels="soft")
    assert json.dumps(row["value"]) == "[1.0, 0.25, 1.0, 0.0]"


def test_hard_labels_follow_the_ratings_whatever_the_soft_values() -> None:
    (row,) = export(solution(chosen("a"), chosen("b", -1), soft=[0.1, 0.9]))
    assert row["value"] == ["+", "-"]


@pytest.mark.parametrize(("neutral", "label"), [("positive", "+"), ("negative", "-")])
def test_neutral_steps_become_what_is_asked(neutral: str, label: str) -> None:
    (row,) = export(solution(chosen("a", 0)), neutral=neutral)
    assert row["value"] == [label]


@pytest.mark.parametrize("labels", ["hard", "soft"])
def test_a_step_without_a_label_shares_the_next_placeholder(labels: str) -> None:
    steps = [chosen("a", None), chosen("b", 0), chosen("c"), chosen("d", None)]
    (row,) = export(solution(*steps, soft=[None, 0.5]), neutral="drop", labels=labels)
    assert row["input"] == "What is $2+3$? a\nb\nc ки"
    assert len(row["value"]) == 1


@pytest.mark.parametrize("place", ["problem", "step"])
def test_a_text_with_the_placeholder_makes_no_row(place: str) -> None:
    # `книжки` ends in it: the trainer would count one placeholder more than there are labels.
    one = solution(chosen("книжки" if place == "step" else "a"))
    if place == "problem":
        one.record["question"]["problem"] = "Сколько стоят книжки?"
    assert export(one) == []


def test_alternatives_are_rows_and_steps_after_an_error_are_kept_on_request() -> None:
    steps = [
        position([candidate("a"), candidate("a2", -1)], chosen=0),
        chosen("b", -1),
        chosen("c"),
    ]
    assert [row["value"] for row in export(solution(*steps), alternatives="rows")] == [
        ["+", "-"],
        ["-"],
    ]
    (row,) = export(solution(*steps), truncate=False)
    assert row["value"] == ["+", "-", "+"]


def test_the_separator_is_what_stands_between_steps() -> None:
    (row,) = export(solution(), separator="\n\n")
    assert row["input"] == "What is $2+3$? I add. ки\n\nThat makes 6. ки"


@pytest.mark.parametrize("options", [{"neutral": "keep"}, {"alternatives": "keep"}])
def test_what_the_format_cannot_hold_is_refused(options: Json) -> None:
    with pytest.raises(OptionRefused, match="openrlhf cannot have"):
        export(solution(), **options)


def test_the_columns_follow_the_labels() -> None:
    for labels in ("hard", "soft"):
        exporter = OpenRlhfExporter(replace(OpenRlhfExporter.defaults, labels=labels))
        rows = [row.value for row in exporter.rows([solution()])]
        assert pa.Table.from_pylist(rows, schema=exporter.schema()).to_pylist() == rows


def test_real_records_have_as_many_labels_as_placeholders() -> None:
    counts = []
    for line in shared_file("prm800k.jsonl").read_text().splitlines():
        for row in export(marked(json.loads(line))):
            assert row["input"].count(PLACEHOLDER) == len(row["value"])
            counts.append(row["value"].count("+"))
    # The labeler of the fifth gave up.
    assert counts == [6, 6, 5, 7, 12]


def test_a_row_names_the_steps_of_its_labels() -> None:
    (row,) = OpenRlhfExporter().rows([solution(chosen("a", None), chosen("b"))])
    assert row.steps == ["1.0"]
