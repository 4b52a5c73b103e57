"""Marked solutions for tests of exporters."""

from typing import Any

from datasets_app.marked import MarkedSolution

Json = dict[str, Any]


def marked(record: Json, shape: Json | None = None, **changed: Any) -> MarkedSolution:
    """Return a PRM800K record as the marked solution of a person; `changed` are other fields."""
    marks = [
        [[index, None, None] for index in range(len(step["completions"] or []))]
        + ([[99, None, None]] if step["human_completion"] else [])
        for step in record["label"]["steps"]
    ]
    fields: Json = {
        "id": "5f0c1b0e-0000-4000-8000-000000000001",
        "problem_id": "9a3f0b52-0000-4000-8000-000000000001",
        "split": "train",
        "problem": {"source": "", "split": "", "subject": "", "level": "", "external_id": ""},
        "solution": {
            "text": "\n".join(record["question"].get("pre_generated_steps") or []) or None,
            "engine": "import",
            "model": "",
            "prompt_name": "",
            "hint": False,
            "is_correct": None,
            "grader": "",
            "times_drawn": 1,
            "completion_tokens": None,
        },
        "labeler_kind": "person",
        "labeler": record["labeler"],
        "rule": "",
        "weight": 1.0,
        "score": None,
        "agreement": None,
        "evidence": {},
        "record": record,
        "shape": shape or {},
        "marks": marks,
    }
    return MarkedSolution(**{**fields, **changed})
