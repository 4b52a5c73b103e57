"""An export as PRM800K, against one streamed SQL COPY that builds the same JSON.

The SQL knows no absent keys, no other spelling and no options: it is the floor, not a rival.
"""

import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import connection

from bench.scratch import PROJECT, ChildRun, run_child

LIMIT = 2.0
ROUNDS = 3

_REFERENCE = """
COPY (
    SELECT row_to_json(record) FROM (
        SELECT
            labeler.uuid AS labeler,
            to_char(annotation.submitted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')
                AS timestamp,
            annotation.generation,
            annotation.is_quality_control AS is_quality_control_question,
            annotation.is_screening AS is_initial_screening_question,
            CASE WHEN solution.built THEN
                json_build_object(
                    'problem', problem.text,
                    'ground_truth_answer', problem.reference_answer
                )
            ELSE
                json_build_object(
                    'problem', problem.text,
                    'ground_truth_solution', problem.reference_solution,
                    'ground_truth_answer', problem.reference_answer,
                    'pre_generated_steps', ARRAY(
                        SELECT text FROM annotation_step
                        WHERE solution_id = solution.id AND alternative = 0
                        ORDER BY position
                    ),
                    'pre_generated_answer', solution.final_answer,
                    'pre_generated_verifier_score', solution.verifier_score
                )
            END AS question,
            json_build_object(
                'steps', (
                    SELECT json_agg(step) FROM (
                        SELECT
                            (
                                SELECT json_agg(completion) FROM (
                                    SELECT step.text, label.rating, label.flagged
                                    FROM annotation_step AS step
                                    JOIN annotation_steplabel AS label
                                        ON label.step_id = step.id
                                        AND label.annotation_id = annotation.id
                                        AND label.shown_order IS NOT NULL
                                    WHERE step.solution_id = annotation.solution_id
                                        AND step.position = position.position
                                    ORDER BY label.shown_order
                                ) AS completion
                            ) AS completions,
                            (
                                SELECT json_build_object(
                                    'text', step.text,
                                    'rating', label.rating,
                                    'source', 'human',
                                    'flagged', label.flagged
                                )
                                FROM annotation_step AS step
                                JOIN annotation_steplabel AS label
                                    ON label.step_id = step.id
                                    AND label.annotation_id = annotation.id
                                WHERE step.id = position.human_step_id
                            ) AS human_completion,
                            (
                                SELECT shown_order FROM annotation_steplabel
                                WHERE annotation_id = annotation.id
                                    AND step_id = position.chosen_id
                            ) AS chosen_completion
                        FROM annotation_position AS position
                        WHERE position.annotation_id = annotation.id
                        ORDER BY position.position
                    ) AS step
                ),
                'total_time', annotation.total_time_ms,
                'finish_reason', nullif(annotation.finish_reason, '')
            ) AS label
        FROM annotation_annotation AS annotation
        JOIN labelers_labeler AS labeler ON labeler.id = annotation.labeler_id
        JOIN annotation_solution AS solution ON solution.id = annotation.solution_id
        JOIN annotation_problem AS problem ON problem.id = solution.problem_id
        WHERE annotation.project_id = (SELECT id FROM annotation_project WHERE slug = %s)
        ORDER BY annotation.id
    ) AS record
) TO STDOUT (FORMAT BINARY)
"""


def measure(folder: Path) -> tuple[dict[str, Any], ChildRun]:
    """Export what is in the tables both ways, in turns; also return one of the exports."""
    path, reference_path = folder / "export.jsonl", folder / "reference.jsonl"
    runs, references = [], []
    for _ in range(ROUNDS):
        runs.append(run_child("export", path))
        references.append(reference_seconds(reference_path))
    check_equal(path, reference_path)
    seconds = statistics.median(run.seconds for run in runs)
    reference = statistics.median(references)
    return {
        "name": "export against one SQL COPY of the same JSON",
        "unit": "s",
        "measured": round(seconds, 2),
        "reference": round(reference, 2),
        "ratio": round(seconds / reference, 3),
        "limit": LIMIT,
        "limit_kind": "at most",
    }, runs[-1]


def reference_seconds(path: Path) -> float:
    """Copy the records of the tables to `path` as JSON; return how long it took."""
    began = time.perf_counter()
    with (
        path.open("wb", buffering=1 << 20) as file,
        connection.cursor() as cursor,
        cursor.copy(_REFERENCE, [PROJECT]) as copy,
    ):
        copy.set_types(["bytea"])
        for (record,) in copy.rows():
            file.write(record)
            file.write(b"\n")
    return time.perf_counter() - began


def check_equal(path: Path, reference_path: Path) -> None:
    """Raise AssertionError, naming the record, where two exports do not say the same."""
    pairs = zip(records_of(path), records_of(reference_path), strict=True)
    for number, (record, reference) in enumerate(pairs, 1):
        if json.loads(record) != json.loads(reference):
            raise AssertionError(f"the two exports differ in record {number}")


def records_of(path: Path) -> Iterator[bytes]:
    """Yield an export's records as JSON; PostgreSQL breaks one over several lines."""
    record = b""
    with path.open("rb") as file:
        for line in file:
            if record and line.startswith(b'{"labeler"'):
                yield record
                record = b""
            record += line
    if record:
        yield record
