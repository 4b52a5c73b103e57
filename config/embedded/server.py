"""The life of one embedded server: found, made, launched, waited for, stopped.

A server is ours when three things agree: the process that its pid file names was started on our
data folder, and it answers on our socket. Everything that changes its state happens in turn,
under the starters' lock (`config.embedded.locks`).
"""

import enum
import os
import shutil
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psutil

from config.embedded import locks, programs
from config.embedded.errors import NO_SPACE, EmbeddedError, disk_full, said_plainly
from config.embedded.layout import Place, can_reach

Say = Callable[[str], None]

LOST_SOCKET_SECONDS = 5.0
SILENT_SECONDS = 60.0
LONGEST_LOG_BYTES = 10_000_000
TOO_LITTLE_BYTES = 1_000_000
LAST_LINES = 15


class Answer(enum.Enum):
    READY = "ready"
    BUSY = "starting up or shutting down"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """What is known of one embedded server without starting anything."""

    name: str
    running: bool
    pid: int | None
    version: str | None
    data: Path
    socket: Path
    size_bytes: int


class Notice:
    """Says why we wait: after two seconds, and every ten from then on."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._next = time.monotonic() + 2

    def __call__(self, message: str) -> None:
        if time.monotonic() >= self._next:
            self._say(message)
            self._next = time.monotonic() + 10


class Server(ABC):
    name: ClassVar[str]
    title: ClassVar[str]
    program: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, place: Place) -> None:
        self.place = place
        self.data = place.folder / self.name
        self.log = place.folder / f"{self.name}.log"
        self.alive = place.folder / f"{self.name}.alive"

    @property
    @abstractmethod
    def socket(self) -> Path: ...

    @property
    @abstractmethod
    def pid_file(self) -> Path: ...

    @abstractmethod
    def answer(self) -> Answer:
        """Ask on the socket; takes a few milliseconds, at most a second."""

    def pid_files(self) -> Sequence[Path]:
        """All files in which the server writes its number."""
        return [self.pid_file]

    @abstractmethod
    def version(self) -> str | None:
        """The running server's version, by its own word."""

    @abstractmethod
    def command(self) -> Sequence[str | Path]:
        """The command line of the server; its data folder is one of the arguments."""

    @abstractmethod
    def create(self, alive: int, say: Say) -> None:
        """Make the data folder where there is none, whole or not at all."""

    def process(self) -> psutil.Process | None:
        """The process that the pid file names, if it is a server on our data folder.

        The command line tells, because a process of another account shows nothing else, in a
        container not even to root. After a crash the number may belong to any other program.
        """
        try:
            process = psutil.Process(int(self.pid_file.read_text().split("\n", 1)[0]))
            program, *arguments = process.cmdline()
        except (OSError, ValueError, OverflowError, psutil.Error):
            return None
        ours = Path(program).name == self.program and str(self.data) in arguments
        return process if ours else None

    def is_running(self) -> bool:
        return self.process() is not None and self.answer() is Answer.READY

    def status(self) -> ServiceStatus:
        running = self.is_running()
        process = self.process()
        return ServiceStatus(
            name=self.name,
            running=running,
            pid=process.pid if process else None,
            version=self.version() if running else None,
            data=self.data,
            socket=self.socket,
            size_bytes=_size(self.data),
        )

    # Below here: with the starters' lock taken.

    def bring_up(self, say: Say) -> None:
        """Launch the server unless it is alive, and return when it answers.

        It may take long as long as it says so (crash recovery); what is left of a server that
        died is waited for, since it may still write.
        """
        launched_at: int | None = None
        heard = time.monotonic()
        pause_seconds = 0.02
        notice = Notice(say)
        while (answer := self.answer()) is not Answer.READY:
            silent_seconds = time.monotonic() - heard
            if answer is Answer.BUSY:
                heard = time.monotonic()
                notice(f"{self.title} is starting up, perhaps after a crash; waiting for it.")
            elif not self._is_alive():
                if launched_at is not None:
                    raise self._died(launched_at)
                launched_at = self._launch(say)
                heard = time.monotonic()
                notice = Notice(say)
            elif silent_seconds > LOST_SOCKET_SECONDS and self._lost_its_socket():
                say(f"{self.title} has lost its socket {self.socket}; starting it again.")
                self.end(say)
            elif silent_seconds > SILENT_SECONDS:
                raise self._stuck()
            else:
                notice(f"Waiting for {self.title} in {self.data}.")
            time.sleep(pause_seconds)
            pause_seconds = min(pause_seconds * 1.2, 0.5)
        if not self._is_alive() and self.process() is None:
            raise EmbeddedError(
                f"A server that is not ours answers at {self.socket}. Perhaps another container "
                "or machine uses this folder; stop it there first."
            )

    def end(self, say: Say) -> None:
        """Stop the server and wait until all of it has gone; nothing where it is not alive."""
        process = self.process()
        notice = Notice(say)
        if process is None:
            if self._is_alive():
                raise self._stuck()
            return
        process.send_signal(self.stop_signal)
        # Not the process's own state: where nobody reaps orphans it stays a zombie.
        while self.process() or self._is_alive():
            notice(f"{self.title} is writing its memory to disk before it stops; waiting for it.")
            time.sleep(0.05)

    def _launch(self, say: Say) -> int:
        """Start the server; return the length of its log before."""
        account = self.place.account
        if account and not can_reach(account, self.place.folder):
            raise EmbeddedError(
                f"{self.title}'s data are in {self.place.folder}, which its account "
                f"{account.pw_name} cannot reach any more: let others walk through the folders "
                "on the way (chmod o+x)."
            )
        with locks.opened(self.alive, self.place) as alive, said_plainly(self.place.folder):
            if not locks.take(alive, self.alive):
                raise self._stuck()
            self.create(alive, say)
            self.place.private_folder(self.socket.parent)
            # With nothing of a server alive, they name a dead process or a stranger's.
            for leftover in self.pid_files():
                leftover.unlink(missing_ok=True)
            if self.log.exists() and self.log.stat().st_size > LONGEST_LOG_BYTES:
                self.log.replace(self.log.with_suffix(".log.old"))
            with locks.opened(self.log, self.place, os.O_WRONLY | os.O_APPEND) as log:
                length = os.fstat(log).st_size
                programs.launch(self.command(), self.place, folder=self.data, alive=alive, log=log)
        return length

    def _is_alive(self) -> bool:
        return locks.is_held(self.alive, self.place)

    def _lost_its_socket(self) -> bool:
        return self.process() is not None and not self.socket.exists()

    def _stuck(self) -> EmbeddedError:
        return EmbeddedError(
            f"Something of {self.title} in {self.data} is alive, but no server that we know "
            "answers there: perhaps a long query of a server that died, or a server in another "
            f"container or of a folder that was moved. Wait, or end it. {self._last_words(0)}"
        )

    def _died(self, logged_before: int) -> EmbeddedError:
        words = self._last_words(logged_before)
        full = any(sign in words for sign in NO_SPACE)
        if full or shutil.disk_usage(self.place.folder).free < TOO_LITTLE_BYTES:
            return disk_full(self.place.folder)
        return EmbeddedError(f"{self.title} does not come up. {words}")

    def _last_words(self, logged_before: int) -> str:
        with (
            locks.opened(self.log, self.place, os.O_RDONLY) as log,
            open(log, "rb", closefd=False) as file,
        ):
            file.seek(max(logged_before, os.fstat(log).st_size - 20_000))
            lines = file.read().decode(errors="replace").splitlines()
        # What our own questions caused while it was starting says nothing.
        told = [line for line in lines if line.strip() and "is starting up" not in line]
        return "\n".join([f"The end of its log ({self.log}):", *told[-LAST_LINES:]])


def _size(folder: Path) -> int:
    """Bytes of all files; what vanishes while we look counts nothing."""
    total = 0
    for way, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(way, name)).st_size
    return total
