"""The site for a test in which the server dies as somebody submits, before or after it is written.

`STEPMARK_TEST_DIES` is "before" or "after"; a file of that name in `STEPMARK_TEST_ONCE` keeps it
from dying again when it is started anew.
"""

import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from config.wsgi import application as site

FLAG = Path(os.environ["STEPMARK_TEST_ONCE"])
WHEN = os.environ["STEPMARK_TEST_DIES"]


def die() -> None:
    FLAG.touch()
    # The whole of gunicorn: its master first, which would start another worker.
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    submits = environ["PATH_INFO"].endswith("/submit/") and not FLAG.exists()
    if submits and WHEN == "before":
        die()
    answer = site(environ, start_response)
    if submits:
        die()
    return answer
