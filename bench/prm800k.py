"""PRM800K-shaped records that are made up, deterministic and of realistic lengths.

The shares follow docs/formats.md: 5 % phase 1, alternatives where the first candidate is not
+1 (phase 1) and beside the error (phase 2), about 11 labelled steps a record, 2 % labelled by
a second person. Record `n` depends on the seed and `n` alone.
"""

import random
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

LABELERS = 40
SOLUTIONS_A_PROBLEM = 8
PHASE_1_SHARE = 0.05
RECORDS_A_SECOND_OPINION = 50
FIRST_DAY = datetime(2022, 11, 1)

_WORDS = re.findall(
    r"\w+",
    "the number of ways triangle equation both sides so we know that a factor prime sum is equal "
    "to therefore each square root circle radius angle integer divide multiply product least "
    "common even odd if then since this means I notice there are now need find value",
)
_FORMULAS = (
    r"$x^2 + 3x = 12$",
    r"$\frac{1}{2}$",
    r"$\sqrt{17}$",
    r"$\begin{aligned} a &= 8 \\ b &= 3 \end{aligned}$",
    "$3p + e = 124$",
    r"$\angle ABC = 60^\circ$",
    "$2^{10}$",
    "$n \\le 25$",
)
Json = dict[str, Any]


def records(count: int, *, seed: int = 0) -> Iterator[Json]:
    """Yield `count` records."""
    return (record(number, seed=seed) for number in range(count))


def write(path: Path, count: int, *, seed: int = 0) -> int:
    """Write `count` records as JSON lines; return how many step ratings they hold."""
    labelled = 0
    with path.open("wb", buffering=1 << 20) as file:
        for made in records(count, seed=seed):
            file.write(orjson.dumps(made))
            file.write(b"\n")
            labelled += sum(len(step["completions"] or ()) for step in made["label"]["steps"])
    return labelled


def record(number: int, *, seed: int = 0) -> Json:
    """Return record `number`. A second opinion repeats the solution of the record before it."""
    chance = random.Random(f"{seed} labelling {number}")
    second_opinion = number % RECORDS_A_SECOND_OPINION == RECORDS_A_SECOND_OPINION - 1
    solution = random.Random(f"{seed} solution {number - second_opinion}")
    problem = (number - second_opinion) // SOLUTIONS_A_PROBLEM
    phase_1 = solution.random() < PHASE_1_SHARE
    question = _question(problem, seed)
    if phase_1:
        del question["ground_truth_solution"]
        steps = _built_steps(solution)
        finish_reason = "solution" if chance.random() < 0.85 else "give_up"
    else:
        question |= _pre_generated(solution)
        steps, finish_reason = _judged_steps(chance, question["pre_generated_steps"])
    submitted_at = FIRST_DAY + timedelta(seconds=number * 37, microseconds=chance.randrange(10**6))
    return {
        "labeler": str(UUID(int=random.Random(chance.randrange(LABELERS)).getrandbits(128))),
        "timestamp": submitted_at.isoformat(),
        "generation": None if phase_1 else number // 10_000,
        "is_quality_control_question": second_opinion,
        "is_initial_screening_question": False,
        "question": question,
        "label": {
            "steps": steps,
            "total_time": chance.randrange(20_000, 900_000),
            "finish_reason": finish_reason,
        },
    }


@cache
def _sentences() -> tuple[str, ...]:
    chance = random.Random("sentences")
    made = []
    for _ in range(20_000):
        words = chance.choices(_WORDS, k=chance.randint(6, 22))
        words.insert(chance.randrange(len(words)), chance.choice(_FORMULAS))
        made.append(" ".join(words).capitalize() + ".")
    return tuple(made)


def _sentence(chance: random.Random) -> str:
    return f"{chance.choice(_sentences())} ({chance.randrange(10**6)})"


def _question(problem: int, seed: int) -> Json:
    chance = random.Random(f"{seed} problem {problem}")
    return {
        "problem": f"{problem}. {_sentence(chance)} {_sentence(chance)}",
        "ground_truth_solution": " ".join(_sentence(chance) for _ in range(chance.randint(2, 8))),
        "ground_truth_answer": str(chance.randrange(1000)),
    }


def _pre_generated(chance: random.Random) -> Json:
    answer = str(chance.randrange(1000))
    steps = [_sentence(chance) for _ in range(chance.randint(6, 18))]
    steps[-1] += f"\n\n# Answer\n\n{answer}"
    return {
        "pre_generated_steps": steps,
        "pre_generated_answer": answer,
        "pre_generated_verifier_score": chance.random(),
    }


def _judged_steps(chance: random.Random, texts: list[str]) -> tuple[list[Json], str]:
    """Phase 2: marks up to the first error, which has alternatives beside it."""
    steps = []
    has_error = chance.random() < 0.85
    error_at = chance.randrange(len(texts)) if has_error else len(texts)
    for text in texts[:error_at]:
        rating = 0 if chance.random() < 0.1 else 1
        steps.append(_step([{"text": text, "rating": rating, "flagged": None}], chosen=0))
    if not has_error:
        return steps, "solution"
    wrong = {"text": texts[error_at], "rating": -1, "flagged": None}
    others = [_candidate(chance) for _ in range(chance.randint(3, 4))]
    return [*steps, _step([wrong, *others], chosen=None)], "found_error"


def _built_steps(chance: random.Random) -> list[Json]:
    """Phase 1: one position at a time, several candidates where the first is not great."""
    steps = []
    for _ in range(chance.randint(4, 12)):
        if chance.random() < 0.6:
            only = {"text": _sentence(chance), "rating": 1, "flagged": False}
            steps.append(_step([only], chosen=0))
            continue
        candidates = [_candidate(chance) for _ in range(chance.randint(2, 7))]
        great = [n for n, candidate in enumerate(candidates) if candidate["rating"] == 1]
        if great:
            steps.append(_step(candidates, chosen=chance.choice(great)))
        else:
            human = {
                "text": _sentence(chance),
                "rating": None,
                "source": "human",
                "flagged": False,
            }
            steps.append(_step(candidates, chosen=None, human=human))
    return steps


def _candidate(chance: random.Random) -> Json:
    rating = chance.choices((-1, 0, 1), weights=(50, 15, 35))[0]
    return {"text": _sentence(chance), "rating": rating, "flagged": False}


def _step(completions: list[Json], *, chosen: int | None, human: Json | None = None) -> Json:
    return {"completions": completions, "human_completion": human, "chosen_completion": chosen}
