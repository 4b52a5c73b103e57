"""A real HTTP server on the loopback that answers as it is told, and counts."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(kw_only=True)
class Answer:
    """One HTTP answer. `promised` is a content length that the body then falls short of."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    promised: int | None = None


def completion(text: str | None, **extra: Any) -> Answer:
    """Return what a well-behaved server answers to either kind of request."""
    choice = {"text": text, "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 7, "completion_tokens": 5}
    answer = {"choices": [choice | {"finish_reason": "stop"}], "usage": usage} | extra
    return Answer(body=json.dumps(answer).encode())


@dataclass(kw_only=True)
class Server:
    """What the server was asked, and how many requests were open at most at a time."""

    answer: Callable[[dict[str, Any], int], Answer]
    """Makes the answer from the request's body and its number, counted from 0."""
    base_url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    open_now: int = 0
    open_at_most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def serving(answer: Callable[[dict[str, Any], int], Answer]) -> Iterator[Server]:
    """Serve on a free port until the block ends."""
    server = Server(answer=answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with server.lock:
                number = len(server.requests)
                server.requests.append(body)
                server.paths.append(self.path)
                server.keys.append(self.headers["authorization"])
                server.open_now += 1
                server.open_at_most = max(server.open_at_most, server.open_now)
            answer = server.answer(body, number)
            time.sleep(answer.delay_s)
            with server.lock:
                server.open_now -= 1
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(answer.promised or len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
            self.close_connection = answer.promised is not None

        def log_message(self, *_: object) -> None:
            pass

    class QuietServer(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """A client that gave up has closed its end: that is what some tests are about."""

    http = QuietServer(("127.0.0.1", 0), Handler)
    server.base_url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
