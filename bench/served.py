"""The site as `make serve` runs it, on the database of the benchmarks, with bare views beside."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

GUNICORN = ("-m", "gunicorn", "config.wsgi", "--no-control-socket")
SERVER = (*GUNICORN, "--workers", "2", "--threads", "4")


@contextmanager
def served() -> Iterator[int]:
    """Serve the site over the scratch database; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "bench.server_settings"}
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(
            [sys.executable, *SERVER, "--bind", f"127.0.0.1:{port}"],
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(port, server)
            yield port
        finally:
            server.terminate()
            server.wait()


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("gunicorn did not start")
