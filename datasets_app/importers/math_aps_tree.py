"""MATH-APS: trees of rollouts after OmegaPRM (arXiv 2406.06592).

Format: openreasoner/openr, data/omegaPRM_v2 with `save_data_tree=True`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from datasets_app import fields
from datasets_app.exporters.math_aps_tree import ROOT_VALUE
from datasets_app.fields import Where
from datasets_app.importers.along import along, found_error
from datasets_app.importers.base import Importer, Json
from datasets_app.records import (
    BadRecord,
    LabelerRecord,
    MarkedRecord,
    ProblemRecord,
    SolutionRecord,
)
from labelers.trace import Rating

LABELER = LabelerRecord(name="math-aps")
THRESHOLD = 0.5
"""A value must be over it to count as right, as in OpenR's own converters."""

MOST_CHARACTERS = 32_000_000
MOST_STEPS = 200_000
"""Of all solutions of one tree: a node is repeated on the way to each leaf below it."""

Node = tuple[str, float]
"""Text and value."""


class MathApsTreeImporter(Importer):
    """`question`, `final_answer`, and `reasoning_steps`: a tree whose root is the question.

    Each way from the root to a leaf is a solution, each node one of its steps, with the node's
    value as soft value.
    """

    name = "math-aps-tree"
    kind = MarkedRecord

    def matches(self, value: Json) -> bool:
        return "question" in value and "reasoning_steps" in value

    def records(self, value: Json) -> list[MarkedRecord]:
        question = fields.text(value, "question")
        problem = ProblemRecord(
            text=question, reference_answer=fields.optional_text(value, "final_answer")
        )
        root, where = fields.child(value, "reasoning_steps"), ("reasoning_steps",)
        if fields.any_text(root, "text", where).strip() != question.strip():
            raise BadRecord("reasoning_steps.text", "is not the question, as that of a root is")
        root_value = _value(root, where)
        if not fields.children(root, "children", where):
            raise BadRecord("reasoning_steps.children", "is empty")
        metadata = fields.metadata(value, ("question", "final_answer", "reasoning_steps"))
        evidence = {} if root_value is None else {ROOT_VALUE: root_value}
        return [_record(problem, way, evidence, metadata) for way in _bounded(root, where)]


def _bounded(root: Json, where: Where) -> Iterator[list[Node]]:
    """Yield the ways down; raises BadRecord where they repeat the nodes above too often."""
    steps = characters = 0
    for way in _ways_down(root, where):
        steps += len(way)
        characters += sum(len(text) for text, _ in way)
        if steps > MOST_STEPS or characters > MOST_CHARACTERS:
            most = f"{MOST_STEPS:,} steps or {MOST_CHARACTERS:,} characters"
            raise BadRecord(fields.path(*where), f"the ways to its leaves have more than {most}")
        yield way


def _ways_down(node: Json, where: Where) -> Iterator[list[Node]]:
    """Yield the nodes from below `node` to each leaf, in order."""
    for index, child in enumerate(fields.children(node, "children", where)):
        here = (*where, "children", index)
        if type(child) is not dict:
            raise BadRecord(fields.path(*here), f"must be an object, not {fields.json_name(child)}")
        value = _value(child, here)
        if value is None:
            raise fields.wrong(child, "mc_value", here, "a number from 0 to 1")
        step = (fields.text(child, "text", here).strip(), value)
        if child.get("children") == []:
            yield [step]
        else:
            yield from ([step, *rest] for rest in _ways_down(child, here))


def _value(node: Json, where: Where) -> float | None:
    value = fields.optional_float(node, "mc_value", where)
    if value is not None and not 0 <= value <= 1:
        raise fields.wrong(node, "mc_value", where, "a number from 0 to 1")
    return value


def _record(
    problem: ProblemRecord,
    way: list[Node],
    evidence: Mapping[str, Any],
    metadata: Mapping[str, Any],
) -> MarkedRecord:
    steps = tuple(text for text, _ in way)
    values = [value for _, value in way]
    ratings: list[Rating] = [1 if value > THRESHOLD else -1 for value in values]
    positions = along(steps, ratings, values)
    return MarkedRecord(
        problem=problem,
        solution=SolutionRecord(
            problem=problem, text="\n".join(steps), steps=steps, metadata=metadata
        ),
        labeler=LABELER,
        positions=positions,
        finish_reason="found_error" if found_error(positions) else None,
        evidence=evidence,
    )
