"""Both ends of the pipe to the programs that ask math-verify: killable, small, and short-lived.

Comparing two answers can run forever or eat all memory, and math-verify's own time-outs are
signals that work on the main thread alone. So each comparison happens in a program of its own,
which the kernel ends when a pair takes too long. This file is that program too: run as a script
it imports nothing of Stepmark, reads one JSON line a pair and writes one line a verdict.
"""

import atexit
import json
import logging
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

WORKERS = min(2, os.cpu_count() or 1)
MEMORY_BYTES = 1 << 30
START_LIMIT_S = 120.0
# What the parent waits beyond the worker's own alarm before it kills the worker itself.
GRACE_S = 1.0
PAIRS_PER_WORKER = 16

Pair = tuple[str, str]


class WorkerLost(Exception):
    """A worker ended for a reason that may not lie in the pair it was given."""


class AnswerWorker:
    """One running program; `ask` is for one thread at a time."""

    def __init__(self) -> None:
        # By path, not by `-m`: it must start wherever Stepmark lies, and -P keeps the folder of
        # this file, with modules named like the standard library's, off its path. A session of
        # its own: Ctrl-C and signals to a process group end the parent, which closes the pipe.
        self._popen = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        if self._read_line(START_LIMIT_S) != b"ready":
            self.kill()
            raise RuntimeError("an answer worker did not start; its own error is on standard error")

    @property
    def pid(self) -> int:
        return self._popen.pid

    def ask(self, pair: Pair, limit_s: float) -> bool:
        """Whether (reference, given) are equal; False when `limit_s` is not enough.

        Raises WorkerLost when the worker ended, and it was not for want of time.
        """
        request = json.dumps([*pair, limit_s]).encode() + b"\n"
        assert self._popen.stdin is not None
        try:
            self._popen.stdin.write(request)
        except BrokenPipeError:
            self.kill()
            raise WorkerLost from None
        line = self._read_line(limit_s + GRACE_S)
        if line is None:
            self.kill()
            return False
        if line == b"":
            if self.kill() == -signal.SIGALRM:
                return False
            raise WorkerLost
        return line == b"equal"

    @property
    def is_alive(self) -> bool:
        return self._popen.poll() is None

    def kill(self) -> int:
        """End the program, close its pipes, and return how it ended (see `Popen.returncode`)."""
        self._close_pipes()
        if self._closed_itself():
            return self._popen.returncode
        self._popen.kill()
        return self._popen.wait()

    def abandon(self) -> None:
        """Forget a worker of the parent after a fork: the pipes' copies would keep it alive."""
        self._close_pipes()
        # It is not this program's child, so there is nothing to wait for or to warn about.
        self._popen.returncode = 0

    def _closed_itself(self) -> bool:
        # A worker that died by its alarm may not have been reaped yet.
        try:
            self._popen.wait(0.2)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _close_pipes(self) -> None:
        for pipe in (self._popen.stdin, self._popen.stdout):
            assert pipe is not None
            pipe.close()

    def _read_line(self, limit_s: float) -> bytes | None:
        """The next line without its end; b"" when the worker has gone, None when time is up."""
        assert self._popen.stdout is not None
        poll = select.poll()
        poll.register(self._popen.stdout, select.POLLIN)
        until = time.monotonic() + limit_s
        line = b""
        while not line.endswith(b"\n"):
            left_s = until - time.monotonic()
            if left_s <= 0 or not poll.poll(left_s * 1000):
                return None
            piece = self._popen.stdout.read(64)
            if not piece:
                return b""
            line += piece
        return line.strip()


class AnswerWorkers:
    """A few workers, started when first needed, replaced when they die."""

    def __init__(self) -> None:
        self._idle: queue.LifoQueue[AnswerWorker] = queue.LifoQueue()
        self._places = threading.BoundedSemaphore(WORKERS)
        self._all: set[AnswerWorker] = set()

    def equal(self, pairs: Sequence[Pair], limit_s: float) -> list[bool]:
        """Compare each (reference, given); `limit_s` seconds for each, then it is not equal."""
        threads = min(WORKERS, 1 + len(pairs) // PAIRS_PER_WORKER)
        with ThreadPoolExecutor(threads, thread_name_prefix="answers") as executor:
            return list(executor.map(lambda pair: self._equal(pair, limit_s), pairs))

    def close(self) -> None:
        for worker in list(self._all):
            self._discard(worker)

    def abandon(self) -> None:
        for worker in self._all:
            worker.abandon()

    def pids(self) -> list[int]:
        return [worker.pid for worker in self._all]

    def _equal(self, pair: Pair, limit_s: float) -> bool:
        with self._places:
            try:
                return self._ask(self._take(), pair, limit_s)
            except WorkerLost:
                pass
            # Somebody may have killed the worker, so the pair gets one more, a new one: an idle
            # one may have been killed with it. A pair that takes two workers down (out of memory,
            # a crash in a library) is not equal.
            try:
                return self._ask(self._start(), pair, limit_s)
            except WorkerLost:
                return False

    def _ask(self, worker: AnswerWorker, pair: Pair, limit_s: float) -> bool:
        try:
            return worker.ask(pair, limit_s)
        finally:
            self._give_back(worker)

    def _take(self) -> AnswerWorker:
        """An idle worker that lives, or a new one."""
        while True:
            try:
                worker = self._idle.get_nowait()
            except queue.Empty:
                return self._start()
            if worker.is_alive:
                return worker
            self._discard(worker)

    def _start(self) -> AnswerWorker:
        worker = AnswerWorker()
        self._all.add(worker)
        return worker

    def _give_back(self, worker: AnswerWorker) -> None:
        if worker.is_alive:
            self._idle.put(worker)
        else:
            self._discard(worker)

    def _discard(self, worker: AnswerWorker) -> None:
        worker.kill()
        self._all.discard(worker)


_workers = AnswerWorkers()


def workers() -> AnswerWorkers:
    """The workers of this program; after a fork the child has its own."""
    return _workers


def _renew_after_fork() -> None:
    global _workers
    _workers.abandon()
    _workers = AnswerWorkers()


os.register_at_fork(after_in_child=_renew_after_fork)
atexit.register(lambda: _workers.close())


def serve() -> None:
    """Answer pairs until the pipe closes. Runs in the worker alone."""
    # The libraries may print; only verdicts go to the parent.
    verdicts = os.fdopen(os.dup(1), "wb", buffering=0)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    logging.disable(logging.CRITICAL)
    # Whatever the parent did with this signal, here the kernel acts on it: nothing handles it, so
    # it ends the worker even while C code runs, and the parent's death leaves no worker behind
    # for longer than one limit.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
    math_equal("1/2", "0.5")
    _limit_resources()
    os.dup2(quiet, 2)
    verdicts.write(b"ready\n")
    for line in sys.stdin.buffer:
        reference, given, limit_s = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, limit_s)
        try:
            is_equal = math_equal(reference, given)
        except (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError):
            is_equal = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        verdicts.write(b"equal\n" if is_equal else b"different\n")


def math_equal(reference: str, given: str) -> bool:
    """Ask math-verify, in this very program and without any limit of time."""
    from math_verify import parse, verify

    # Unwrapped LaTeX is misread: `3\sqrt{13}` becomes 3 (math-verify 0.9.0).
    gold, target = (parse(f"${text}$", parsing_timeout=None) for text in (reference, given))
    return bool(gold and target and verify(gold, target, timeout_seconds=None))


def _limit_resources() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


if __name__ == "__main__":
    serve()
