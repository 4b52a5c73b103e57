"""Claims a second of several processes, against as many that run one bare claiming statement.

What is claimed is ended between the rounds, which does not count.
"""

import statistics
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from operator import truediv
from typing import Any

from bench.claim_loop import NAME, WARM_UP
from bench.filled_queue import fill, make_labeler, settle_queue

LIMIT = 0.5
PROCESSES = (2, 4)
ROUNDS = 9
"""In turns, so that what else the machine does slows both down."""


def measure(processes: Sequence[int] = PROCESSES, *, claims: int) -> list[dict[str, Any]]:
    """Return a bar for each number of processes: claims a second, against the bare loop's."""
    for number in range(max(processes) * claims):
        make_labeler(f"{NAME} {number}")
    return [_compare(count, claims) for count in processes]


def _compare(processes: int, claims: int) -> dict[str, Any]:
    fill(processes * (claims + WARM_UP) * ROUNDS * 2, overlap=1)
    settle_queue()
    rates: dict[str, list[float]] = {"claim": [], "bare": []}
    with ExitStack() as stack:
        running = {
            how: [stack.enter_context(_process(how, number, claims)) for number in range(processes)]
            for how in rates
        }
        for together in running.values():
            _hear(together)
        for _ in range(ROUNDS):
            for how, together in running.items():
                _tell(together)
                seconds = map(float, _hear(together))
                rates[how].append(sum(claims / each for each in seconds))
                _tell(together)
                _hear(together)
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


def _process(how: str, number: int, claims: int) -> subprocess.Popen[str]:
    """Start one that claims, which ends when its input does."""
    command = [sys.executable, "-m", "bench.child", how, str(number), str(claims)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _tell(processes: Sequence[subprocess.Popen[str]]) -> None:
    """Have all of them go on, at about one time."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go on\n")
        process.stdin.flush()


def _hear(processes: Sequence[subprocess.Popen[str]]) -> list[str]:
    """Return a line of each; so none goes on before all have said it."""
    said = [process.stdout.readline() for process in processes if process.stdout is not None]
    assert all(said), "a process that claims has died"
    return said
