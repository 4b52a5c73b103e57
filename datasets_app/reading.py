"""Marked solutions out of PostgreSQL, in one streamed COPY."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from django.db import connection
from django.db.models import QuerySet

from annotation.models import Annotation
from datasets_app.marked import MarkedSolution
from datasets_app.marked_rows import marked_solution

ONE_EACH = """
    SELECT
        id AS place, solution_id, id AS annotation_id, false AS by_verdict, '' AS split,
        NULL::uuid AS problem_key, 1.0 AS weight, NULL::float8 AS agreement
    FROM ({annotations}) AS annotations
"""
"""What `read` wants to know, for annotations that each stand for themselves.

`place` orders them. Without an annotation the marks are the solution's verdicts, or none. A null
`problem_key` is made of the problem's text and reference answer.
"""

# A solution's own steps travel once: its labels have null for their texts. A solution that was
# built step by step has no text but that of its labels.
# Each OFFSET 0 keeps the planner from joining first and sorting whole records last: the places are
# sorted, then one record after the other is built and sent.
_STATEMENT = """
COPY (
    SELECT one.record
    FROM (SELECT * FROM ({chosen}) AS any_order ORDER BY place OFFSET 0) AS chosen
    CROSS JOIN LATERAL (
        SELECT json_build_array(
            chosen.split,
            chosen.weight,
            chosen.agreement,
            chosen.by_verdict,
            coalesce(chosen.problem_key, md5(problem.key::text)::uuid),
            json_build_array(
                problem.source, problem.split, problem.subject, problem.level, problem.external_id
            ),
            problem.text,
            problem.reference_solution,
            problem.reference_answer,
            {solution_id},
            CASE WHEN NOT solution.built THEN solution.text END,
            json_build_array(
                solution.engine, solution.model, solution.prompt_name, solution.is_correct,
                solution.grader, solution.times_drawn, solution.completion_tokens
            ),
            solution.built,
            solution.final_answer,
            solution.verifier_score,
            solution.generation,
            (
                SELECT json_agg(text ORDER BY position)
                FROM annotation_step
                WHERE solution_id = solution.id AND alternative = 0 AND NOT solution.built
            ),
            CASE WHEN chosen.by_verdict THEN (
                SELECT json_agg(
                    json_build_array(step.position, verdict.rating, verdict.soft, verdict.rule)
                    ORDER BY step.position
                )
                FROM annotation_verdict AS verdict
                JOIN annotation_step AS step ON step.id = verdict.step_id
                WHERE verdict.solution_id = solution.id AND step.alternative = 0
            ) END,
            CASE WHEN annotation.id IS NOT NULL THEN json_build_array(
                labeler.uuid,
                labeler.kind,
                labeler.name,
                annotation.import_key IS NOT NULL,
                (SELECT reason FROM annotation_assignment WHERE id = annotation.assignment_id),
                to_char(annotation.submitted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
                annotation.generation,
                annotation.is_quality_control,
                annotation.is_screening,
                annotation.total_time_ms,
                nullif(annotation.finish_reason, ''),
                annotation.score,
                annotation.evidence,
                annotation.shape,
                (
                    SELECT json_agg(
                        json_build_array(position, chosen_id, human_step_id, listed)
                        ORDER BY position
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
                            label.flagged,
                            step.alternative,
                            label.score,
                            label.probabilities
                        )
                        ORDER BY step.position, label.shown_order, step.alternative
                    )
                    FROM annotation_steplabel AS label
                    JOIN annotation_step AS step ON step.id = label.step_id
                    WHERE label.annotation_id = annotation.id
                )
            ) END
        ) AS record
        FROM annotation_solution AS solution
        JOIN annotation_problem AS problem ON problem.id = solution.problem_id
        LEFT JOIN annotation_annotation AS annotation ON annotation.id = chosen.annotation_id
        LEFT JOIN labelers_labeler AS labeler ON labeler.id = annotation.labeler_id
        WHERE solution.id = chosen.solution_id
        OFFSET 0
    ) AS one
    ORDER BY chosen.place
) TO STDOUT (FORMAT BINARY)
"""
SOLUTION_ID = """md5(concat_ws(':',
    problem.key, solution.writer_key,
    CASE WHEN solution.built
        THEN concat_ws(':', labeler.uuid, extract(epoch FROM annotation.submitted_at))
        ELSE solution.text_key::text
    END
))::uuid"""
"""What a solution is called wherever it is: a solution's keys are digests of what it says, but that
one which was built step by step has random ones, and is one labeler's at one time."""


def read_annotations(annotations: QuerySet[Annotation]) -> Iterator[MarkedSolution]:
    """Yield `annotations` in the order of their ids."""
    chosen, parameters = annotations.order_by().values("id", "solution_id").query.sql_with_params()
    yield from read(ONE_EACH.format(annotations=chosen), parameters)


def read(chosen: str, parameters: Sequence[Any] = ()) -> Iterator[MarkedSolution]:
    """Yield the marked solutions that a query chooses, whose columns are those of `ONE_EACH`.

    One made here is a phase-2 record of its solution, as if it had been imported. The whole is
    one snapshot of the database, and memory stays flat.
    """
    statement = _STATEMENT.format(chosen=chosen, solution_id=SOLUTION_ID)
    with connection.cursor() as cursor, cursor.copy(statement, parameters) as copy:
        # The bytes of a json are its text, which orjson reads without decoding them first.
        copy.set_types(["bytea"])
        for (row,) in copy.rows():
            yield marked_solution(*orjson.loads(row))
