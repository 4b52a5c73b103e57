"""Clients of the queue over HTTP: each goes round next and submit on a connection of its own."""

import json
import resource
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

STEPS = 4
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rounds:
    """What some clients did together."""

    seconds: float
    client_seconds: float
    """Of processor time that the clients themselves took."""
    slots: list[int]
    """The ids of what they were given, in no order."""

    @property
    def a_second(self) -> float:
        return len(self.slots) / self.seconds


class Client:
    """One kept connection. Not `http.client`, whose reading of headers costs as much as a view."""

    def __init__(self, port: int, token: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._headers = (
            f"Host: localhost\r\nAuthorization: Token {token}\r\n"
            "Content-Type: application/json\r\nAccept: application/json\r\n"
        )

    def post(self, path: str, body: Json) -> Json:
        """Return the answer's JSON; raise AssertionError for any status but 200."""
        content = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\n{self._headers}Content-Length: {len(content)}\r\n\r\n"
        self._socket.sendall(head.encode() + content)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more()
        headers, _, content = received.partition(b"\r\n\r\n")
        assert headers.startswith(b"HTTP/1.1 200"), received
        _, _, after = headers.lower().partition(b"content-length: ")
        length = int(after.split(b"\r\n")[0])
        while len(content) < length:
            content += self._more()
        answer: Json = json.loads(content)
        return answer

    def _more(self) -> bytes:
        some = self._socket.recv(65_536)
        assert some, "the server closed the connection"
        return some

    def close(self) -> None:
        self._socket.close()


def round_of_the_queue(client: Client, slug: str) -> int:
    """Claim and submit one solution; return the id of its slot."""
    root = f"/api/v1/projects/{slug}/assignments"
    slot = client.post(f"{root}/next/", {})["assignment"]
    marks = {str(step["id"]): {"rating": 1} for step in slot["steps"]}
    assert len(marks) == STEPS
    client.post(f"{root}/{slot['id']}/submit/", {"draft": {"marks": marks}})
    return int(slot["id"])


def bare_round(client: Client, slug: str) -> int:
    """Do the same with the bare views, which keep as many marks."""
    slot = client.post(f"/bare/{slug}/next/", {})["assignment"]
    marks = {str(step): {"rating": 1} for step in range(STEPS)}
    client.post("/bare/submit/", {"assignment": slot, "draft": {"marks": marks}})
    return int(slot["id"])


def go_round(
    port: int, tokens: Sequence[str], once: Callable[[Client], int], rounds: int
) -> Rounds:
    """Have one client for each of `tokens` go round at the same time, together `rounds` times."""
    slots: list[list[int]] = [[] for _ in tokens]
    clients = [Client(port, token) for token in tokens]

    def work(client: Client, given: list[int]) -> None:
        given.extend(once(client) for _ in range(rounds // len(tokens)))

    threads = [
        threading.Thread(target=work, args=pair) for pair in zip(clients, slots, strict=True)
    ]
    used, began = _processor_seconds(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, client_seconds = time.perf_counter() - began, _processor_seconds() - used
    for client in clients:
        client.close()
    return Rounds(seconds, client_seconds, [slot for given in slots for slot in given])


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
