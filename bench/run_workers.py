"""How much faster two workers are than one at a Run that waits for an engine.

The engine is asked over HTTP and answers after a fixed time. Each worker is a process of its own
that takes slices from the database until none is left.
"""

import json
import logging
import statistics
import subprocess
import sys
import time
from typing import Any

from annotation import run_kinds, runs, sampling
from annotation.digests import digest
from annotation.models import Problem, Project, Run
from bench.scratch import PROJECT
from bench.sleeping_server import sleeping

LIMIT = 1.8
SECONDS = 2.0
"""That the server takes for an answer."""
CONCURRENCY = 16
"""Requests at a time of one worker."""
DRAWS = 16
"""Of each problem."""
PROBLEMS = 12
ROUNDS = 2


def measure(problems: int = PROBLEMS, *, rounds: int = ROUNDS) -> dict[str, Any]:
    """Return the bar: draws a second of two workers, against one."""
    project = Project.objects.create(slug=PROJECT, name=PROJECT)
    for number in range(problems):
        text = f"How many are {number} and 1?"
        Problem.objects.create(project=project, text=text, key=digest(text, None))
    rates: dict[int, list[float]] = {2: [], 1: []}
    with sleeping(SECONDS) as base_url:
        for seed in range(rounds):
            for workers, measured in rates.items():
                measured.append(_rate(_ask(project, base_url, 10 * seed + workers), workers))
    two, one = (statistics.median(measured) for measured in rates.values())
    return {
        "name": "an engine-bound run by two workers against one",
        "unit": "draws/s",
        "measured": round(two, 1),
        "reference": round(one, 1),
        "ratio": round(two / one, 3),
        "limit": LIMIT,
        "limit_kind": "at least",
    }


def _ask(project: Project, base_url: str, seed: int) -> Run:
    config = {"model": "sleeper", "base_url": base_url, "concurrency": CONCURRENCY}
    wanted = sampling.SamplingRequest(
        engine="openai",
        engine_config=config,
        solutions_a_problem=DRAWS,
        seed=seed,
    )
    return sampling.request(project=project, wanted=wanted)


def _rate(run: Run, workers: int) -> float:
    """Return the draws a second of `workers` processes that do `run` together."""
    command = [sys.executable, "-m", "bench.child", "run", str(run.pk)]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(workers)
    ]
    for process in running:
        # Each says when it is warm, and none begins before all are.
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    slices = [json.loads(process.communicate()[0]) for process in running]
    seconds = time.perf_counter() - began
    run.refresh_from_db()
    assert (run.state, run.done, run.failed) == (Run.State.FINISHED, run.total, 0)
    assert all(slices), f"a worker had nothing to do: {slices}"
    return run.total / seconds


def work(run_id: int) -> None:
    """Do the slices of a Run until none is left, and print how many it were (a child process)."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    run = Run.objects.get(pk=run_id)
    do = run_kinds.slice_work(run)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    slices = 0
    while piece := runs.claim(run_id):
        slices += runs.work(piece, do)
    sys.stdout.write(json.dumps(slices))
