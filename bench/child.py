"""`python -m bench.child VERB …`: one piece of work in a process of its own; prints JSON.

`import FILE`, `export FILE`, `freeze-CONTAINER FOLDER`, `help RUN` and `stream PROJECT`, timed,
`claim NUMBER CLAIMS` and `bare NUMBER CLAIMS`, or `run RUN`.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
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
    from bench import claim_loop, run_workers
    from bench.work import export_file, freeze_version, help_freeze, import_file, stream_annotations

    verb, *arguments = sys.argv[1:]
    if verb in claim_loop.HOW:
        claim_loop.work(verb, *map(int, arguments))
        return
    if verb == "run":
        run_workers.work(int(arguments[0]))
        return
    verbs: dict[str, Callable[[Path], None]] = {
        "import": import_file,
        "export": export_file,
        "stream": stream_annotations,
        "freeze-jsonl": partial(freeze_version, "jsonl"),
        "freeze-parquet": partial(freeze_version, "parquet"),
        "help": help_freeze,
    }
    work = verbs[verb]
    began = time.perf_counter()
    work(Path(arguments[0]))
    seconds = time.perf_counter() - began
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()
