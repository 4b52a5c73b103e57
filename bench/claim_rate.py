"""Claims a second of several processes, against as many that run one bare claiming statement.

What is claimed is ended in batches whose time does not count, by the same statement on both sides.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from operator import truediv
from typing import Any

from bench.claim_loop import BATCH, NAME
from bench.filled_queue import fill, make_labeler, settle_queue

LIMIT = 0.5
PROCESSES = (2, 4)
ROUNDS = 9
"""In turns, so that what else the machine does slows both down."""


def measure(processes: Sequence[int] = PROCESSES, *, claims: int) -> list[dict[str, Any]]:
    """Return a bar for each number of processes: claims a second, against the bare loop's."""
    for number in range(max(processes) * BATCH):
        make_labeler(f"{NAME} {number}")
    return [_compare(count, claims) for count in processes]


def _compare(processes: int, claims: int) -> dict[str, Any]:
    fill(processes * (claims + BATCH) * ROUNDS * 2, overlap=1)
    settle_queue()
    rates: dict[str, list[float]] = {"claim": [], "bare": []}
    for _ in range(ROUNDS):
        for how, measured in rates.items():
            measured.append(_together(how, processes, claims))
    ours, bare = (statistics.median(measured) for measured in rates.values())
    ratio = statistics.median(map(truediv, *rates.values()))
    return {
        "name": f"claims of {processes} processes against a bare claiming statement",
        "unit": "claims/s",
        "measured": round(ours),
        "reference": round(bare),
        "ratio": round(ratio, 3),
        "limit": LIMIT,
        "limit_kind": "at least",
    }


def _together(how: str, processes: int, claims: int) -> float:
    """Return how many claims a second all processes made together."""
    commands = [
        [sys.executable, "-m", "bench.child", how, str(number), str(claims)]
        for number in range(processes)
    ]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for command in commands
    ]
    for process in running:
        # Each says when it is warm, and none begins before all are.
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    said = [process.stdin for process in running]
    for stdin in said:
        assert stdin is not None
        stdin.write("go\n")
        stdin.flush()
    seconds: list[float] = [json.loads(process.communicate()[0]) for process in running]
    return sum(claims / each for each in seconds)
