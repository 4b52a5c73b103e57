"""What can go wrong with the embedded servers, said in words for people."""

import errno
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WAY_OUT = (
    "Set STEPMARK_HOME to another folder, or use servers of your own "
    "(DATABASE_URL, CELERY_BROKER_URL)."
)
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NO_SPACE = (
    "No space left on device",
    "Disk quota exceeded",
    "File too large",
    "File size limit exceeded",
)


class EmbeddedError(Exception):
    """An embedded server cannot be used; the message says why and what to do."""


class EmbeddedUnavailable(EmbeddedError):
    """The wheels that carry the servers' programs are not installed."""


def disk_full(folder: Path) -> EmbeddedError:
    return EmbeddedError(
        f"The disk that holds {folder} is full, or a quota or file size limit is reached: "
        f"free some space. {WAY_OUT}"
    )


def account_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


@contextmanager
def said_plainly(folder: Path) -> Iterator[None]:
    """Turn what the system refuses while we write in `folder` into an `EmbeddedError`."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise disk_full(folder) from error
        who = account_name(os.geteuid())
        raise EmbeddedError(
            f"Cannot use {folder} as {who}: {error.strerror} ({error.filename}). {WAY_OUT}"
        ) from error
