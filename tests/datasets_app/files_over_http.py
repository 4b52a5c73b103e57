"""A server of files for those with a token, as far as readers of datasets need one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@contextmanager
def served(folder: Path, token: str) -> Iterator[tuple[str, list[HTTPStatus]]]:
    """Serve `folder`, also in ranges; give its address and how requests were answered so far."""
    answers: list[HTTPStatus] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (its name)
            """Say nothing."""

        def _answer(self) -> None:
            path = folder / self.path.lstrip("/")
            body, status, headers = b"", HTTPStatus.OK, {"Accept-Ranges": "bytes"}
            if self.headers.get("Authorization") != f"Token {token}":
                status = HTTPStatus.UNAUTHORIZED
            elif not path.is_file():
                status = HTTPStatus.NOT_FOUND
            else:
                body = path.read_bytes()
            if status == HTTPStatus.OK and (wanted := self.headers.get("Range")):
                first, _, last = wanted.removeprefix("bytes=").partition("-")
                end = min(int(last or len(body)), len(body) - 1)
                headers["Content-Range"] = f"bytes {first}-{end}/{len(body)}"
                body, status = body[int(first) : end + 1], HTTPStatus.PARTIAL_CONTENT
            answers.append(status)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", answers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
