"""MATH-APS's trees: each way to a leaf is a solution."""

import json
from dataclasses import replace
from typing import Any

import pytest

from datasets_app.exporters.math_aps_tree import MathApsTreeExporter
from datasets_app.importers import math_aps_tree
from datasets_app.records import LabelerRecord, MarkedRecord
from tests.datasets_app.importers.reading import complaint, records
from tests.datasets_app.loaded import round_trip
from tests.shared_data import shared_file

Json = dict[str, Any]
QUESTION = "How much is 2 + 3?"


def node(text: str, value: Any, *children: Json) -> Json:
    return {"text": text, "mc_value": value, "children": list(children)}


def line(*children: Json, root: Any = 0.75, **fields: Any) -> Json:
    return {
        "question": QUESTION,
        "final_answer": "5",
        "reasoning_steps": node(QUESTION, root, *children),
        "question_id": 0,
        **fields,
    }


def read(value: Json) -> list[MarkedRecord]:
    made = records("math-aps-tree", value)
    return [record for record in made if isinstance(record, MarkedRecord)]


def merged(node: Json) -> Json:
    """A tree whose equal siblings are one, in the order of the first."""
    alike: dict[tuple[str, float], list[Json]] = {}
    for child in node["children"]:
        alike.setdefault((child["text"], child["mc_value"]), []).extend(child["children"])
    children = [
        merged({"text": text, "mc_value": value, "children": below})
        for (text, value), below in alike.items()
    ]
    return {**node, "children": children}


def test_each_way_to_a_leaf_is_a_solution_and_each_node_a_step() -> None:
    first, second = read(line(node("a", 0.75, node("b", 1.0), node("c", 0.0))))
    assert (first.solution.steps, second.solution.steps) == (("a", "b"), ("a", "c"))
    assert first.problem == second.problem
    assert (first.problem.text, first.problem.reference_answer) == (QUESTION, "5")


def test_the_question_is_no_step() -> None:
    (record,) = read(line(node("a", 1.0)))
    assert record.solution.steps == ("a",)


def test_a_value_over_a_half_is_right_and_all_values_are_kept() -> None:
    (record,) = read(line(node("a", 0.51, node("b", 0.5, node("c", 0, node("d", 1))))))
    marks = [(position.candidates or ())[0] for position in record.positions]
    assert [(mark.rating, mark.soft) for mark in marks] == [
        (1, 0.51),
        (-1, 0.5),
        (-1, 0.0),
        (1, 1.0),
    ]
    assert record.evidence == {"root_mc_value": 0.75}


def test_the_labels_are_a_models_and_end_with_an_error_or_not() -> None:
    right, wrong = read(line(node("a", 1.0), node("b", 0.25)))
    assert right.labeler == wrong.labeler == LabelerRecord(name="math-aps")
    assert (right.finish_reason, wrong.finish_reason) == (None, "found_error")


def test_other_fields_are_kept_with_the_solutions() -> None:
    # The id is a place within one shard: it names no problem.
    (record,) = read(line(node("a", 1.0), shard=3))
    assert record.solution.metadata == {"question_id": 0, "shard": 3}
    assert record.problem.external_id == ""


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (line(), "reasoning_steps.children: is empty"),
        (line(node("a", 2)), "reasoning_steps.children.0.mc_value: must be a number from 0 to 1"),
        (
            line(node("a", 1, node("b", None))),
            "reasoning_steps.children.0.children.0.mc_value: must be a number from 0 to 1",
        ),
        (line(node(" ", 1)), "reasoning_steps.children.0.text: is blank"),
        (line(node("a", 1) | {"children": None}), "reasoning_steps.children.0.children: must be"),
        (line(node("a", 1), root="0.5"), "reasoning_steps.mc_value: must be a number or null"),
        (line(node("a", 1), question="?"), "reasoning_steps.text: is not the question"),
        (
            line(reasoning_steps=[{"solution_prefix": QUESTION, "mc_value": 1.0}]),
            "reasoning_steps: must be an object, not a list",
        ),
        (line(["a"]), "reasoning_steps.children.0: must be an object, not a list"),  # type: ignore[arg-type]
    ],
)
def test_a_bad_line_names_its_field(value: Json, said: str) -> None:
    assert complaint("math-aps-tree", value).startswith(said)


@pytest.mark.parametrize(("limit", "most"), [("MOST_CHARACTERS", 306), ("MOST_STEPS", 6)])
def test_what_is_above_many_leaves_is_not_repeated_without_end(
    monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(math_aps_tree, limit, most)
    leaves = [node(str(place), 1) for place in range(3)]
    assert len(read(line(node("x" * 101, 1, *leaves)))) == 3
    said = complaint("math-aps-tree", line(node("x" * 101, 1, *leaves, node("3", 1))))
    assert said.startswith("reasoning_steps: the ways to its leaves have more than")


def test_a_root_without_a_value_is_known() -> None:
    (record,) = read(line(node("a", 1.0), root=None))
    assert record.evidence == {}


@pytest.mark.django_db
def test_real_trees_come_back_with_their_equal_siblings_as_one() -> None:
    lines = [json.loads(one) for one in shared_file("math_aps_tree.jsonl").read_text().splitlines()]
    back = round_trip(lines, "math-aps-tree", MathApsTreeExporter(), "aps")
    for value in (*lines, *back):
        del value["question_id"]
    assert back == [
        value | {"reasoning_steps": merged(value["reasoning_steps"])} for value in lines
    ]


@pytest.mark.django_db
def test_a_tree_can_end_with_its_errors() -> None:
    exporter = MathApsTreeExporter(replace(MathApsTreeExporter.defaults, truncate=True))
    lines = [line(node("a", 0.25, node("b", 1.0)))]
    (row,) = round_trip(lines, "math-aps-tree", exporter, "aps")
    assert row["reasoning_steps"] == node(QUESTION, 0.75, node("a", 0.25))
