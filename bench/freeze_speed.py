"""Freezing a version and writing it in a format, against one streamed SQL COPY of the same JSON."""

import json
import statistics
from pathlib import Path
from typing import Any

from bench.export_speed import records_of, reference_seconds
from bench.scratch import ChildRun, run_child

LIMITS = {"jsonl": 2.0, "parquet": 3.0}
ROUNDS = 3


def measure(folder: Path, container: str) -> tuple[dict[str, Any], ChildRun]:
    """Freeze what is in the tables as PRM800K in `container` and copy it, in turns.

    Also return the child of one freeze. Raises AssertionError where they do not say the same.
    """
    reference_path = folder / "reference.jsonl"
    runs, references = [], []
    for number in range(ROUNDS):
        out = folder / f"frozen-{container}-{number}"
        runs.append(run_child(f"freeze-{container}", out))
        references.append(reference_seconds(reference_path))
    if container == "jsonl":
        check_equal(out, reference_path)
    seconds, reference = (
        statistics.median(run.seconds for run in runs),
        statistics.median(references),
    )
    return {
        "name": f"freezing and exporting as PRM800K ({container}) against one SQL COPY",
        "unit": "s",
        "measured": round(seconds, 2),
        "reference": round(reference, 2),
        "ratio": round(seconds / reference, 3),
        "limit": LIMITS[container],
        "limit_kind": "at most",
    }, runs[-1]


def check_equal(out: Path, reference_path: Path) -> None:
    """Raise AssertionError where a version's rows are not those of the reference in any order."""
    rows = sorted(
        _key(line) for path in out.rglob("*.jsonl") for line in path.read_bytes().splitlines()
    )
    reference = sorted(map(_key, records_of(reference_path)))
    if rows != reference:
        raise AssertionError("what was frozen differs from what is in the tables")


def _key(line: bytes) -> int:
    return hash(json.dumps(json.loads(line), sort_keys=True))
