"""`python -m bench`: every benchmark in one run, as a table and as JSON in bench/results/.

Those that need models are imported late: `main` has to configure Django first.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django
from rich.console import Console
from rich.table import Table

from bench import export_speed, freeze_speed, import_speed, memory, prm800k
from bench.scratch import ChildRun, empty_tables, run_child, scratch_database, settle

SOLUTIONS = 75_000
BROWSED = 250_000
SIZES = (1_000, 10_000, 100_000, 1_000_000)
"""Of the queue, in open slots."""
IN_A_ROW = 20_000
CLAIMS = 250
"""Of each process in each round, each for another labeler, where several claim side by side."""
QUEUED = 50_000
"""Solutions in the queue that is served over REST."""
ROUNDS = 480
"""Of all clients of it together in each turn."""
LABELLED = 60
"""By keyboard, in the browser."""
READ = 1_000_000
"""Annotations of the project that is read over REST."""
FAMILIES = (
    "records",
    "api",
    "browse",
    "claims",
    "page",
    "rest",
    "sampling",
    "rollouts",
    "runs",
)
RESULTS = Path(__file__).parent / "results"


def measure_records(solutions: int, folder: Path) -> Iterator[dict[str, Any]]:
    """Yield what importing and exporting `solutions` generated records takes.

    The files that are read and written lie in `folder`, and stay there.
    """
    with scratch_database():
        tenth = _import(folder / "tenth.jsonl", solutions // 10)
        tenth_export = run_child("export", folder / "export.jsonl")
        tenth_freeze = run_child("freeze-parquet", folder / "frozen-tenth")
        empty_tables()
        full = _import(folder / "full.jsonl", solutions)
        yield import_speed.measure(full, folder)
        settle()
        speed, full_export = export_speed.measure(folder)
        yield speed
        yield memory.compare("an import", tenth=tenth, full=full)
        yield memory.compare("an export", tenth=tenth_export, full=full_export)
        yield freeze_speed.measure(folder, "jsonl")[0]
        in_parquet, full_freeze = freeze_speed.measure(folder, "parquet")
        yield in_parquet
        yield memory.compare("freezing in Parquet", tenth=tenth_freeze, full=full_freeze)


def _import(path: Path, solutions: int) -> ChildRun:
    labelled = prm800k.write(path, solutions)
    _say(f"{solutions:,} solutions, {labelled:,} labelled steps, {path.stat().st_size:,} bytes")
    settle()
    return run_child("import", path)


def measure_browsing() -> Iterator[dict[str, Any]]:
    from bench import browse

    with scratch_database():
        yield from browse.measure(BROWSED)


def measure_api(annotations: int = READ) -> Iterator[dict[str, Any]]:
    """Yield what pages and a stream of `annotations` cost over REST."""
    from bench import api_reading

    yield from api_reading.measure(annotations)


def measure_claims(
    sizes: Sequence[int] = SIZES, *, in_a_row: int = IN_A_ROW, each: int = CLAIMS
) -> Iterator[dict[str, Any]]:
    """Yield what claims cost: at `sizes` of the queue, `in_a_row`, and `each` of some processes."""
    from bench import claim_rate, claims

    with scratch_database():
        yield from claims.measure_sizes(sizes)
        yield from claims.measure_old_snapshot(in_a_row)
        yield from claim_rate.measure(claims=each)


def measure_page(solutions: int = LABELLED) -> Iterator[dict[str, Any]]:
    from bench import on_screen

    with scratch_database():
        yield on_screen.measure(solutions)


def measure_rest(solutions: int = QUEUED, *, rounds: int = ROUNDS) -> Iterator[dict[str, Any]]:
    """Yield how fast clients go `rounds` times round next and submit over REST."""
    from bench import rest_queue

    with scratch_database():
        yield from rest_queue.measure(solutions, rounds=rounds)


def measure_sampling() -> Iterator[dict[str, Any]]:
    from bench import sampling

    yield sampling.measure()


def measure_runs() -> Iterator[dict[str, Any]]:
    """Yield how much faster two workers are than one at a run that waits for its engine."""
    from bench import run_workers

    with scratch_database():
        yield run_workers.measure()


def measure_rollouts() -> Iterator[dict[str, Any]]:
    from bench import rollouts

    yield rollouts.measure()


def passed(measurement: dict[str, Any]) -> bool:
    ratio, limit = measurement["ratio"], measurement["limit"]
    if limit is None:
        return True
    return bool(ratio >= limit if measurement["limit_kind"] == "at least" else ratio <= limit)


def show(measurements: list[dict[str, Any]]) -> None:
    table = Table("benchmark", "measured", "reference", "ratio", "limit", "")
    for m in measurements:
        table.add_row(
            m["name"],
            f"{m['measured']} {m['unit']}",
            f"{m['reference']} {m['unit']}",
            f"{m['ratio']:.2f}",
            "none" if m["limit"] is None else f"{m['limit_kind']} {m['limit']}",
            "passed" if m["passed"] else "FAILED",
        )
    Console(width=None if sys.stdout.isatty() else 140).print(table)


def write(measurements: list[dict[str, Any]], solutions: int) -> Path:
    """Keep the measurements, with where and when they were taken."""
    taken_at = datetime.now(UTC)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{taken_at:%Y-%m-%dT%H%M%SZ}.json"
    value = {
        "taken_at": taken_at.isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "solutions": solutions,
        "measurements": measurements,
    }
    path.write_text(json.dumps(value, indent=2) + "\n")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--solutions", type=int, default=SOLUTIONS, help="size of the import")
    parser.add_argument("--annotations", type=int, default=READ, help="of the set read over REST")
    parser.add_argument("--only", choices=FAMILIES, help="one kind of benchmark")
    wanted = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if os.environ["DJANGO_SETTINGS_MODULE"] == "config.settings":
        from config.boot import boot

        boot()
    django.setup()
    measurements: list[dict[str, Any]] = []
    if wanted.only in (None, "records"):
        with tempfile.TemporaryDirectory(prefix="stepmark-bench-") as folder:
            measurements += measure_records(wanted.solutions, Path(folder))
    if wanted.only in (None, "api"):
        measurements += measure_api(wanted.annotations)
    if wanted.only in (None, "browse"):
        measurements += measure_browsing()
    if wanted.only in (None, "claims"):
        measurements += measure_claims()
    if wanted.only in (None, "page"):
        measurements += measure_page()
    if wanted.only in (None, "rest"):
        measurements += measure_rest()
    if wanted.only in (None, "sampling"):
        measurements += measure_sampling()
    if wanted.only in (None, "runs"):
        measurements += measure_runs()
    if wanted.only in (None, "rollouts"):
        measurements += measure_rollouts()
    if not judge(measurements, wanted.solutions):
        sys.exit(1)


def judge(measurements: list[dict[str, Any]], solutions: int) -> bool:
    """Show and keep the measurements; tell whether all of them are within their limits."""
    for measurement in measurements:
        measurement["passed"] = passed(measurement)
    show(measurements)
    _say(f"written to {write(measurements, solutions)}")
    return all(measurement["passed"] for measurement in measurements)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
