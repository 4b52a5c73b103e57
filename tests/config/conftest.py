"""Homes of their own for the tests of the embedded servers, and starters in other processes."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from config import embedded
from config.embedded import layout
from tests.once import once
from tests.place import copy

Starter = Callable[..., subprocess.Popen[str]]
Connect = Callable[[], psycopg.Connection[tuple[object, ...]]]


@contextmanager
def own_clone(patch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a clone's folder; `patch` is undone by its owner, after the servers are stopped."""
    # Not tmp_path, which is closed to the account that runs root's servers.
    folder = Path(tempfile.mkdtemp(prefix="stepmark-test-")).resolve()
    folder.chmod(0o755)
    patch.setenv("STEPMARK_HOME", str(folder / ".stepmark"))
    yield folder
    patch.setenv("STEPMARK_HOME", str(folder / ".stepmark"))
    embedded.stop()
    shutil.rmtree(folder)


@pytest.fixture
def clone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that stands for a clone, open to all, whose embedded servers are not yet made."""
    # The test's own monkeypatch: two would be undone in an order that leaves this folder behind.
    with own_clone(monkeypatch) as folder:
        yield folder


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose servers have run and are stopped, to be copied: making one takes seconds."""

    def make(home: Path) -> None:
        with pytest.MonkeyPatch.context() as patch, own_clone(patch):
            embedded.start()
            embedded.stop()
            copy(embedded.home(), home)

    return once(tmp_path_factory, "made-home", make)


@pytest.fixture
def made_clone(clone: Path, made_home: Path) -> Path:
    """A clone whose embedded servers have run before."""
    copy(made_home, clone / ".stepmark")
    return clone


@pytest.fixture(scope="module")
def shared_clone(made_home: Path) -> Iterator[Path]:
    """The same with running servers, for tests that change nothing of each other's."""
    with pytest.MonkeyPatch.context() as patch, own_clone(patch) as folder:
        copy(made_home, folder / ".stepmark")
        embedded.start()
        yield folder


@pytest.fixture
def starter() -> Iterator[Starter]:
    """Run Python code with `embedded` imported in another process; returns it at once."""
    running: list[subprocess.Popen[str]] = []

    def run(code: str = "embedded.start()") -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", f"from config import embedded\n{code}"],
            cwd=layout.PROJECT,
            env=dict(os.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(process)
        return process

    yield run
    for process in running:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connect to the embedded database with the parameters that Django gets."""
    made: list[psycopg.Connection[tuple[object, ...]]] = []

    def open_one() -> psycopg.Connection[tuple[object, ...]]:
        chosen = embedded.database_parameters()
        made.append(
            psycopg.connect(
                host=str(chosen["HOST"]),
                port=str(chosen["PORT"]),
                user=str(chosen["USER"]),
                dbname=str(chosen["NAME"]),
                autocommit=True,
            )
        )
        return made[-1]

    yield open_one
    for connection in made:
        connection.close()


def pids() -> dict[str, int | None]:
    return {service.name: service.pid for service in embedded.status()}
