"""`python -m bench.child import|export FILE`: one import or export, timed; prints JSON."""

import json
import os
import sys
import time
from pathlib import Path

import django

from bench.scratch import DATABASE_VARIABLE, use_database


def peak_mb() -> float:
    """Return this process's peak resident memory (Linux: not what its parent had before)."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    use_database(os.environ[DATABASE_VARIABLE])
    from bench.work import export_file, import_file

    work = {"import": import_file, "export": export_file}[sys.argv[1]]
    began = time.perf_counter()
    work(Path(sys.argv[2]))
    seconds = time.perf_counter() - began
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()
