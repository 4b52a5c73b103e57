"""File locks: one that starters take in turn, and one that a server holds for as long as it lives.

The second is an open file that the server inherits, with every process it makes. The system
releases the lock when the last of them has gone, however it went, so it tells without guessing
from process numbers whether anything of a server is left; it also covers the moment before a
server has written its pid file, and servers in another container that shares the folder.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from config.embedded.errors import said_plainly
from config.embedded.layout import Place


@contextmanager
def opened(path: Path, place: Place, flags: int = os.O_RDWR) -> Iterator[int]:
    descriptor = place.open(path, flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def take(descriptor: int, path: Path) -> bool:
    """Take the lock if it is free."""
    with said_plainly(path.parent):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


@contextmanager
def turn(
    path: Path, place: Place, *, done: Callable[[], bool], waiting: Callable[[], None]
) -> Iterator[bool]:
    """Hold the lock; yield False, without it, once `done()` while another holds it."""
    with opened(path, place) as descriptor:
        while not take(descriptor, path):
            if done():
                yield False
                return
            waiting()
            time.sleep(0.05)
        try:
            yield True
        finally:
            # Said outright, because a process forked meanwhile has the same open file.
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def is_held(path: Path, place: Place) -> bool:
    """Whether some process holds the lock. Ask only with the starters' lock taken."""
    with opened(path, place) as descriptor:
        free = take(descriptor, path)
        if free:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        return not free
