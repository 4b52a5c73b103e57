"""An S3-compatible store in a process of its own, and a line to it that can be cut."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.request import urlopen


@contextmanager
def s3_server() -> Iterator[int]:
    """Run moto's server; give its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 90
    while process.poll() is None and time.monotonic() < until:
        try:
            urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the S3 server did not come up")


class Line:
    """A port that passes bytes on to another, until it is told to cut connections."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.cuts_left = 0
        """Connections that are cut after `cut_after` bytes of what they send."""
        self.cut_after = 20_000
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        # A thread that waits in accept() is not woken by close() alone.
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            for source, sink, limited in ((near, far, True), (far, near, False)):
                threading.Thread(
                    target=self._pass, args=(source, sink, limited), daemon=True
                ).start()

    def _pass(self, source: socket.socket, sink: socket.socket, limited: bool) -> None:
        passed = 0
        try:
            while received := source.recv(65536):
                passed += len(received)
                if limited and self.cuts_left and passed > self.cut_after:
                    self.cuts_left -= 1
                    break
                sink.sendall(received)
        except OSError:
            pass
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
