"""Annotations out of PostgreSQL: one streamed COPY, each annotation as a PRM800K record."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import orjson
from django.db import connection
from django.db.models import QuerySet

from annotation.models import Annotation

Json = dict[str, Any]


class ReadAnnotation(NamedTuple):
    """An annotation as a PRM800K record."""

    record: Json
    """Spelt the usual way, so with all its keys."""
    shape: Json
    """How an imported record was spelt: `shape.respell` makes it so again."""


# A solution's own steps travel once: its labels have null for their texts. A solution that was
# built step by step has no text but that of its labels.
# Each OFFSET 0 keeps the planner from joining first and sorting whole records last: the ids are
# sorted, then one record after the other is built and sent.
_STATEMENT = """
COPY (
    SELECT one.record
    FROM (SELECT id FROM ({chosen}) AS any_order ORDER BY id OFFSET 0) AS chosen
    CROSS JOIN LATERAL (
        SELECT json_build_array(
            (SELECT uuid FROM labelers_labeler WHERE id = annotation.labeler_id),
            to_char(annotation.submitted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
            annotation.generation,
            annotation.is_quality_control,
            annotation.is_screening,
            annotation.total_time_ms,
            nullif(annotation.finish_reason, ''),
            annotation.shape,
            problem.text,
            problem.reference_solution,
            problem.reference_answer,
            solution.built,
            solution.final_answer,
            solution.verifier_score,
            (
                SELECT json_agg(text ORDER BY position)
                FROM annotation_step
                WHERE solution_id = solution.id AND alternative = 0 AND NOT solution.built
            ),
            (
                SELECT json_agg(
                    json_build_array(position, chosen_id, human_step_id, listed) ORDER BY position
                )
                FROM annotation_position
                WHERE annotation_id = annotation.id
            ),
            (
                SELECT json_agg(
                    json_build_array(
                        step.position,
                        step.id,
                        CASE WHEN solution.built OR step.alternative > 0 THEN step.text END,
                        label.rating,
                        label.flagged
                    )
                    ORDER BY step.position, label.shown_order, step.alternative
                )
                FROM annotation_steplabel AS label
                JOIN annotation_step AS step ON step.id = label.step_id
                WHERE label.annotation_id = annotation.id
            )
        ) AS record
        FROM annotation_annotation AS annotation
        JOIN annotation_solution AS solution ON solution.id = annotation.solution_id
        JOIN annotation_problem AS problem ON problem.id = solution.problem_id
        WHERE annotation.id = chosen.id
        OFFSET 0
    ) AS one
    ORDER BY chosen.id
) TO STDOUT (FORMAT BINARY)
"""


def read_annotations(annotations: QuerySet[Annotation]) -> Iterator[ReadAnnotation]:
    """Yield `annotations` in the order of their ids.

    One made here is a phase-2 record of its solution, as if it had been imported. The whole is
    one snapshot of the database, and memory stays flat.
    """
    chosen, parameters = annotations.order_by().values("id").query.sql_with_params()
    statement = _STATEMENT.format(chosen=chosen)
    with connection.cursor() as cursor, cursor.copy(statement, parameters) as copy:
        # The bytes of a json are its text, which orjson reads without decoding them first.
        copy.set_types(["bytea"])
        for (row,) in copy.rows():
            yield _read(*orjson.loads(row))


def _read(
    labeler: str,
    timestamp: str,
    generation: int | None,
    is_quality_control: bool,
    is_screening: bool,
    total_time_ms: int | None,
    finish_reason: str | None,
    shape: Json,
    problem: str,
    reference_solution: str | None,
    reference_answer: str | None,
    is_built: bool,
    final_answer: str | None,
    verifier_score: float | None,
    own_steps: list[str] | None,
    positions: list[list[Any]] | None,
    labels: list[list[Any]] | None,
) -> ReadAnnotation:
    own_steps = own_steps or []
    question: Json = {"problem": problem}
    if not is_built or "given" in shape.get("question", ()):
        question["ground_truth_solution"] = reference_solution
    question["ground_truth_answer"] = reference_answer
    if not is_built:
        question["pre_generated_steps"] = own_steps
        question["pre_generated_answer"] = final_answer
        # PostgreSQL writes 1.0 as 1.
        question["pre_generated_verifier_score"] = (
            None if verifier_score is None else float(verifier_score)
        )
    record = {
        "labeler": labeler,
        "timestamp": timestamp,
        "generation": generation,
        "is_quality_control_question": is_quality_control,
        "is_initial_screening_question": is_screening,
        "question": question,
        "label": {
            "steps": _steps(positions or [], labels or [], own_steps),
            "total_time": total_time_ms,
            "finish_reason": finish_reason,
        },
    }
    return ReadAnnotation(record, shape)


def _steps(positions: list[list[Any]], labels: list[list[Any]], own_steps: list[str]) -> list[Json]:
    at = {position: list(group) for position, group in groupby(labels, key=itemgetter(0))}
    steps = []
    for position, chosen_id, human_id, is_listed in positions:
        completions: list[Json] = []
        human = chosen = None
        for _, step_id, text, rating, flagged in at.get(position, ()):
            if text is None:
                text = own_steps[position]
            if step_id == human_id:
                human = {"text": text, "rating": rating, "source": "human", "flagged": flagged}
                continue
            if step_id == chosen_id:
                chosen = len(completions)
            completions.append({"text": text, "rating": rating, "flagged": flagged})
        steps.append(
            {
                "completions": completions if is_listed else None,
                "human_completion": human,
                "chosen_completion": chosen,
            }
        )
    return steps
