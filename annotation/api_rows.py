"""How PostgreSQL writes what clients read: one JSON object for each row (docs/api.md).

The names are those of the serializers in `annotation/api_shapes.py`, which describe them.
"""

from web.ndjson import JsonRows


def same(names: str, table: str = "row") -> dict[str, str]:
    """Return columns that are called in the object what they are called in `table`."""
    return {name: f"{table}.{name}" for name in names.split()}


PROBLEMS = JsonRows(
    table="annotation_problem",
    columns=same(
        "id text reference_answer reference_solution external_id source split subject level"
        " metadata created_at"
    ),
)
SOLUTIONS = JsonRows(
    table="annotation_solution",
    columns={
        "id": "row.id",
        "problem": "row.problem_id",
        **same(
            "text built splitter splitter_version engine model prompt_name prompt_text parameters"
            " seed prompt_tokens completion_tokens stopped_by times_drawn"
        ),
        "run": "row.run_id",
        **same("final_answer is_correct grader verifier_score generation metadata created_at"),
    },
)
STEPS = JsonRows(
    table="annotation_step",
    columns={
        "id": "row.id",
        "solution": "row.solution_id",
        **same("position alternative text writer start"),
        "end": 'row."end"',
    },
)
_LABELS = """(
    SELECT coalesce(json_agg(row_to_json(said) ORDER BY position, shown_order, alternative), '[]')
    FROM (
        SELECT label.step_id AS step, step.position, step.alternative, step.text, step.writer,
            label.rating, label.flagged, label.score, label.probabilities, label.comment,
            label.shown_order
        FROM annotation_steplabel AS label JOIN annotation_step AS step ON step.id = label.step_id
        WHERE label.annotation_id = row.id
    ) AS said
)"""
_POSITIONS = """(
    SELECT coalesce(json_agg(row_to_json(taken) ORDER BY position), '[]')
    FROM (
        SELECT position, chosen_id AS chosen, human_step_id AS human_step, listed
        FROM annotation_position WHERE annotation_id = row.id
    ) AS taken
)"""
ANNOTATIONS = JsonRows(
    table="annotation_annotation",
    columns={
        "id": "row.id",
        "solution": "row.solution_id",
        "labeler": "labeler.uuid",
        "labeler_kind": "labeler.kind",
        **same(
            "submitted_at finish_reason comment total_time_ms elapsed_ms progress bad_splits"
            " generation is_quality_control is_screening is_practice is_surplus score evidence"
        ),
        "supersedes": "row.supersedes_id",
        "superseded_by": "(SELECT id FROM annotation_annotation WHERE supersedes_id = row.id)",
        "positions": _POSITIONS,
        "labels": _LABELS,
    },
    joins="JOIN labelers_labeler AS labeler ON labeler.id = row.labeler_id",
)
VERDICTS = JsonRows(
    table="annotation_verdict",
    columns={
        "step": "row.step_id",
        "solution": "row.solution_id",
        "position": "step.position",
        **same("rating soft rule annotations decided_at"),
    },
    joins="JOIN annotation_step AS step ON step.id = row.step_id",
    key="step_id",
)
LABELERS = JsonRows(
    table="labelers_labeler",
    columns={
        **same("uuid kind name judge"),
        "replaces": "(SELECT uuid FROM labelers_labeler WHERE id = row.replaces_id)",
        **same("created_at retired_at"),
    },
)
