"""Peak memory of an import and an export at a tenth and at full size: it does not grow."""

from typing import Any

from bench.scratch import ChildRun

LIMIT = 1.2


def compare(name: str, *, tenth: ChildRun, full: ChildRun) -> dict[str, Any]:
    return {
        "name": f"peak memory of {name}, full size against a tenth",
        "unit": "MB",
        "measured": round(full.peak_mb, 1),
        "reference": round(tenth.peak_mb, 1),
        "ratio": round(full.peak_mb / tenth.peak_mb, 3),
        "limit": LIMIT,
        "limit_kind": "at most",
    }
