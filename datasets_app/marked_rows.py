"""A row of `reading`, as a marked solution."""

from itertools import groupby
from operator import itemgetter
from typing import Any

from datasets_app.marked import Json, MarkedSolution
from labelers.prompts import shows_answer

VERDICT_LABELER = "00000000-0000-0000-0000-000000000000"
"""Stands where PRM800K has a person, when what is agreed was written by nobody."""
NO_TIME = "1970-01-01T00:00:00.000000"
"""Stands where PRM800K has a time, when nobody marked anything: the same on every machine."""
_FACTS = ("source", "split", "subject", "level", "external_id")


def marked_solution(
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
    own_steps: list[str] | None,
    verdicts: list[list[Any]] | None,
    annotation: list[Any] | None,
) -> MarkedSolution:
    """Return what a row of `reading` says, whose columns are the parameters, in their order."""
    own_steps = own_steps or []
    if annotation is not None:
        said = _of_annotation(own_steps, *annotation)
    else:
        said = _agreed(own_steps, verdicts, generation)
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
            "timestamp": NO_TIME,
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
