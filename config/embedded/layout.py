"""Where the embedded servers keep their files, where their sockets are, and who runs them."""

import hashlib
import os
import pwd
import re
import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from config.embedded.errors import EmbeddedError, account_name, said_plainly

PROJECT = Path(__file__).resolve().parents[2]

# Where root keeps what its servers' account cannot reach in a private home.
SEATS = Path("/var/lib/stepmark")

# PostgreSQL refuses to run as root. The first of these that the system knows runs the servers.
ACCOUNTS = ("stepmark", "postgres", "nobody")

# A Unix socket's path may have 107 bytes on Linux and 103 elsewhere.
LONGEST_SOCKET = 103
PLAIN = re.compile(r"[A-Za-z0-9/._-]+")
"""Paths that need no quoting in a connection string, a URL or a server setting."""


def home() -> Path:
    """Return the folder of this clone's embedded servers: `$STEPMARK_HOME` or `.stepmark`."""
    chosen = os.environ.get("STEPMARK_HOME")
    return Path(chosen).expanduser().resolve() if chosen else PROJECT / ".stepmark"


def make_home() -> Path:
    folder = home()
    with said_plainly(folder):
        if not folder.is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
            # The servers' account must be able to walk through, whatever root's umask is.
            draft.chmod(0o711 if os.geteuid() == 0 else 0o700)
            try:
                draft.rename(folder)
            except OSError:
                draft.rmdir()
                if not folder.is_dir():
                    raise
    return folder


@dataclass(frozen=True, slots=True)
class Place:
    """The folder that holds the servers' files, and the account that runs them."""

    folder: Path
    account: pwd.struct_passwd | None
    """None where the servers run as whoever starts them."""

    @property
    def uid(self) -> int:
        return self.account.pw_uid if self.account else os.geteuid()

    @property
    def sockets(self) -> Path:
        """A folder whose sockets have short, plain paths; only the account may enter it."""
        inside = self.folder / "run"
        longest = f"{inside}/.s.PGSQL.5432"
        if len(longest) <= LONGEST_SOCKET and PLAIN.fullmatch(longest):
            return inside
        return Path(f"/tmp/stepmark-{self.uid}-{_fingerprint(self.folder)}")  # noqa: S108 (verified)

    def open(self, path: Path, flags: int) -> int:
        """Open a file beside the data, made if missing, for the account alone; return it."""
        with said_plainly(path.parent):
            # A link planted there must not make root write elsewhere.
            descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            if self.account and os.fstat(descriptor).st_uid == os.geteuid():
                os.fchown(descriptor, self.account.pw_uid, self.account.pw_gid)
        return descriptor

    def private_folder(self, folder: Path) -> Path:
        """Make or verify a folder that nobody but the servers' account may enter."""
        with said_plainly(folder):
            if not os.path.lexists(folder):
                folder.mkdir(mode=0o700, exist_ok=True)
            if self.account and folder.lstat().st_uid == os.geteuid():
                os.chown(folder, self.uid, self.account.pw_gid, follow_symlinks=False)
            found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != self.uid or found.st_mode & 0o077:
            raise EmbeddedError(
                f"{folder} must be a folder that belongs to {account_name(self.uid)} and is closed "
                f"to everyone else (mode 700); it belongs to {account_name(found.st_uid)} and has "
                f"mode {stat.S_IMODE(found.st_mode):o}. Move it away or set it right."
            )
        return folder


def place() -> Place:
    """Find the servers' place without making anything.

    It is the home, except for root: there the servers run as whoever owns their data or the home,
    else as a system account, and where that account cannot reach the home, the place is a seat.
    """
    folder = home()
    if os.geteuid() != 0:
        return Place(folder, None)
    for made in (folder / "postgres", folder / "valkey", folder):
        if account := _owner(made):
            return Place(folder, account)
    account = _servers_account()
    marker = folder / "elsewhere"
    if marker.is_file() or not can_reach(account, folder):
        return Place(seat(), _owner(seat() / "postgres") or account)
    return Place(folder, account)


def seat() -> Path:
    """The folder under `/var/lib/stepmark` that stands in for a home nobody else can reach."""
    marker = home() / "elsewhere"
    return Path(marker.read_text()) if marker.is_file() else SEATS / _fingerprint(home())


def make_seat() -> Path:
    """Make the seat, open to be walked through."""
    folder = seat()
    for way in (folder.parent, folder):
        if not way.is_dir():
            way.mkdir(parents=True, exist_ok=True)
            way.chmod(0o755)
    return folder


def can_reach(account: pwd.struct_passwd, path: Path) -> bool:
    """Whether the account may walk to `path` and enter or run it, as far as it exists."""
    return all(_may_pass(account, way) for end in {path, path.resolve()} for way in _ways(end))


def _ways(path: Path) -> list[Path]:
    return [way for way in (path, *path.parents) if way.exists()]


def _may_pass(account: pwd.struct_passwd, path: Path) -> bool:
    found = path.stat()
    if found.st_uid == account.pw_uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.pw_gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def _owner(folder: Path) -> pwd.struct_passwd | None:
    """The account whose data already lie there; root's own is never one to run servers."""
    if not folder.is_dir() or folder.stat().st_uid == 0:
        return None
    try:
        return pwd.getpwuid(folder.stat().st_uid)
    except KeyError as error:
        raise EmbeddedError(
            f"{folder} belongs to user {folder.stat().st_uid}, who does not exist here."
        ) from error


def _servers_account() -> pwd.struct_passwd:
    for name in ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedError(
        "PostgreSQL does not run as root and needs an account of its own: "
        "create one with `useradd --system stepmark`."
    )


def _fingerprint(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def secret_key() -> str:
    """Return this clone's Django secret key, made on first use and readable by its owner alone."""
    path = make_home() / "secret_key"
    with said_plainly(path.parent):
        if not path.exists():
            draft = path.with_name(f"secret_key.{os.getpid()}.{secrets.token_hex(4)}")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with open(descriptor, "w") as file:
                    file.write(secrets.token_urlsafe(50))
                    file.flush()
                    os.fsync(descriptor)
                # A link, unlike a rename, never replaces the key that another process made.
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text()
