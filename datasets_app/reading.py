"""Marked solutions out of PostgreSQL, in one streamed COPY."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import orjson
from django.db import connection
from django.db.models import QuerySet

from annotation.models import Annotation
from datasets_app.marked import MarkedSolution
from labelers.prompts import shows_answer

Json = dict[str, Any]
VERDICT_LABELER = "00000000-0000-0000-0000-000000000000"
"""Stands where PRM800K has a person, when what is agreed was written by nobody."""

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
            to_char(solution.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
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
            yield _read(*orjson.loads(row))


def _read(
    split: str,
    weight: float,
    agreement: float | None,
    by_verdict: bool,
    problem_id: str,
    facts: list[str],
    problem: str,
    reference_solution: str | None,
    reference_answer: str | None,
    solution_id: str,
    text: str | None,
    written: list[Any],
    is_built: bool,
    final_answer: str | None,
    verifier_score: float | None,
    generation: int | None,
    created_at: str,
    own_steps: list[str] | None,
    verdicts: list[list[Any]] | None,
    annotation: list[Any] | None,
) -> MarkedSolution:
    own_steps = own_steps or []
    if annotation is not None:
        said = _of_annotation(own_steps, *annotation)
    else:
        said = _agreed(own_steps, verdicts, generation, created_at)
    question: Json = {"problem": problem}
    if not is_built or "given" in said["shape"].get("question", ()):
        question["ground_truth_solution"] = reference_solution
    question["ground_truth_answer"] = reference_answer
    if not is_built:
        question["pre_generated_steps"] = own_steps
        question["pre_generated_answer"] = final_answer
        # PostgreSQL writes 1.0 as 1.
        question["pre_generated_verifier_score"] = (
            None if verifier_score is None else float(verifier_score)
        )
    label = said["record"].pop("label")
    said["record"] |= {"question": question, "label": label}
    engine, model, prompt_name, is_correct, grader, times_drawn, completion_tokens = written
    return MarkedSolution(
        id=solution_id,
        problem_id=problem_id,
        split=split,
        problem=dict(zip(_FACTS, facts, strict=True)),
        solution={
            "text": text,
            "engine": engine,
            "model": model,
            "prompt_name": prompt_name,
            "hint": shows_answer(prompt_name),
            "is_correct": is_correct,
            "grader": grader,
            "times_drawn": times_drawn,
            "completion_tokens": completion_tokens,
        },
        weight=float(weight),  # PostgreSQL writes 1.0 as 1
        agreement=None if agreement is None else float(agreement),
        **said,
    )


_FACTS = ("source", "split", "subject", "level", "external_id")


def _of_annotation(
    own_steps: list[str],
    labeler: str,
    kind: str,
    name: str,
    is_imported: bool,
    reason: str | None,
    timestamp: str,
    generation: int | None,
    is_quality_control: bool,
    is_screening: bool,
    total_time_ms: int | None,
    finish_reason: str | None,
    score: float | None,
    evidence: Json,
    shape: Json,
    positions: list[list[Any]] | None,
    labels: list[list[Any]] | None,
) -> Json:
    steps, marks = _steps(positions or [], labels or [], own_steps)
    return {
        "labeler_kind": kind,
        "labeler": name if kind == "model" else labeler,
        # Of a model its name says more than what asked for its marks.
        "rule": "imported" if is_imported else name if kind == "model" else reason or "",
        "score": score,
        "evidence": evidence,
        "shape": shape,
        "marks": marks,
        "record": {
            "labeler": labeler,
            "timestamp": timestamp,
            "generation": generation,
            "is_quality_control_question": is_quality_control,
            "is_initial_screening_question": is_screening,
            "label": {
                "steps": steps,
                "total_time": total_time_ms,
                "finish_reason": finish_reason,
            },
        },
    }


def _agreed(
    own_steps: list[str],
    verdicts: list[list[Any]] | None,
    generation: int | None,
    created_at: str,
) -> Json:
    """Return what the verdicts of a solution say, as an annotation; without any, nothing."""
    steps: list[Json] = []
    marks: list[list[list[Any]]] = []
    at = {position: (rating, soft) for position, rating, soft, _ in verdicts or ()}
    for position in range(max(at, default=-1) + 1):
        rating, soft = at.get(position, (None, None))  # none: not decided, never wrong
        candidate = {"text": own_steps[position], "rating": rating, "flagged": None}
        chosen = None if rating == -1 else 0
        steps.append(
            {"completions": [candidate], "human_completion": None, "chosen_completion": chosen}
        )
        marks.append([[0, soft, None]])
        if rating == -1:
            break
    found_error = bool(steps) and steps[-1]["chosen_completion"] is None
    whole = "solution" if steps and len(at) == len(own_steps) else None
    return {
        "labeler_kind": "none" if verdicts is None else "verdict",
        "labeler": "",
        "rule": verdicts[0][3] if verdicts else "",
        "score": None,
        "evidence": {},
        "shape": {},
        "marks": marks,
        "record": {
            "labeler": VERDICT_LABELER,
            "timestamp": created_at,
            "generation": generation,
            "is_quality_control_question": False,
            "is_initial_screening_question": False,
            "label": {
                "steps": steps,
                "total_time": None,
                "finish_reason": "found_error" if found_error else whole,
            },
        },
    }


def _steps(
    positions: list[list[Any]], labels: list[list[Any]], own_steps: list[str]
) -> tuple[list[Json], list[list[list[Any]]]]:
    """Return `label.steps` of the record, and `MarkedSolution.marks`."""
    at = {position: list(group) for position, group in groupby(labels, key=itemgetter(0))}
    steps, marks = [], []
    for position, chosen_id, human_id, is_listed in positions:
        completions: list[Json] = []
        beside: list[list[Any]] = []
        human = chosen = beside_human = None
        for _, step_id, text, rating, flagged, alternative, score, probabilities in at.get(
            position, ()
        ):
            if text is None:
                text = own_steps[position]
            if step_id == human_id:
                human = {"text": text, "rating": rating, "source": "human", "flagged": flagged}
                beside_human = [alternative, score, probabilities]
                continue
            if step_id == chosen_id:
                chosen = len(completions)
            completions.append({"text": text, "rating": rating, "flagged": flagged})
            beside.append([alternative, score, probabilities])
        if beside_human is not None:
            beside.append(beside_human)
        marks.append(beside)
        steps.append(
            {
                "completions": completions if is_listed else None,
                "human_completion": human,
                "chosen_completion": chosen,
            }
        )
    return steps, marks
