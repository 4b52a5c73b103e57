import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis
from kombu.connection import Connection

from config import embedded
from config.embedded import layout, programs
from tests.config.conftest import Connect, Starter, pids


def kombu(url: str) -> Any:
    return Connection(url)  # type: ignore[no-untyped-call]  # kombu has no types


def test_importing_it_starts_and_makes_nothing_and_needs_no_django(
    clone: Path, starter: Starter
) -> None:
    asked = starter(
        "embedded.database_parameters(), embedded.broker_url(), embedded.cache_url()\n"
        "print([service.running for service in embedded.status()])"
    )
    assert asked.communicate()[0].strip() == "[False, False]"
    assert list(clone.iterdir()) == []
    package = Path(embedded.__file__).parent
    assert not [path for path in package.glob("*.py") if "import django" in path.read_text()]


def test_the_parameters_known_beforehand_lead_to_the_started_servers(
    made_clone: Path, connect: Connect
) -> None:
    database, broker, cache = (
        embedded.database_parameters(),
        embedded.broker_url(),
        embedded.cache_url(),
    )
    embedded.start()
    assert embedded.database_parameters() == database
    assert connect().execute("SELECT current_user, current_database()").fetchone() == (
        "stepmark",
        "stepmark",
    )
    with kombu(broker) as celery, celery.SimpleQueue("bell") as queue:
        queue.put({"run": 7})
        message = queue.get(timeout=5)
        message.ack()
        assert message.payload == {"run": 7}
    with redis.from_url(cache) as client:
        assert client.connection_pool.connection_kwargs["db"] == 1
        assert client.ping()


def test_the_servers_are_private_durable_and_modest(shared_clone: Path, connect: Connect) -> None:
    query = "SELECT current_setting(%s)"
    connection = connect()
    expected = {
        "listen_addresses": "",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "max_connections": "100",
        "server_encoding": "UTF8",
    }
    for name, value in expected.items():
        assert connection.execute(query, [name]).fetchone() == (value,), name
    with redis.from_url(embedded.cache_url(), decode_responses=True) as client:
        found = client.config_get("port", "appendonly", "maxmemory-policy")
    assert found == {"port": "0", "appendonly": "yes", "maxmemory-policy": "noeviction"}
    sockets = Path(str(embedded.database_parameters()["HOST"]))
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    for service in embedded.status():
        assert stat.S_IMODE(service.data.stat().st_mode) == 0o700
        assert stat.S_IMODE(service.socket.stat().st_mode) == 0o700


def test_the_database_role_makes_test_databases_but_cannot_run_programs(
    shared_clone: Path, connect: Connect
) -> None:
    connection = connect()
    connection.execute("CREATE DATABASE test_stepmark")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("COPY (SELECT 1) TO PROGRAM 'cat'")


def test_starting_again_keeps_the_servers_and_says_nothing(clone: Path) -> None:
    said: list[str] = []
    embedded.start(say=said.append)
    assert "Making a PostgreSQL database" in said[0]
    before = pids()
    assert None not in before.values()
    said.clear()
    embedded.start(say=said.append)
    assert pids() == before
    assert said == []


def test_one_server_alone_can_be_started(clone: Path) -> None:
    embedded.start(postgres=False)
    assert [service.running for service in embedded.status()] == [False, True]


def test_the_servers_outlive_their_starter_in_a_session_of_their_own(
    made_clone: Path, starter: Starter
) -> None:
    process = starter("embedded.start()")
    output = process.communicate()[0]
    assert process.returncode == 0, output
    for pid in pids().values():
        assert pid is not None
        assert os.getsid(pid) not in (os.getsid(0), process.pid)
        assert process.pid not in [parent.pid for parent in psutil.Process(pid).parents()]
    assert [service.running for service in embedded.status()] == [True, True]


def test_a_stop_keeps_the_data_and_leaves_no_process(made_clone: Path, connect: Connect) -> None:
    embedded.start()
    connect().execute("CREATE TABLE kept AS SELECT 1 AS one")
    with redis.from_url(embedded.cache_url(), decode_responses=True) as client:
        client.set("kept", "yes")
    before = pids()
    embedded.stop()
    assert [service.running for service in embedded.status()] == [False, False]
    for pid in before.values():
        assert pid is not None
        assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie"
    embedded.stop()
    embedded.start()
    assert connect().execute("TABLE kept").fetchall() == [(1,)]
    with redis.from_url(embedded.cache_url(), decode_responses=True) as client:
        assert client.get("kept") == "yes"


def test_status_tells_versions_sizes_and_places(shared_clone: Path) -> None:
    postgres, valkey = embedded.status()
    assert (postgres.name, valkey.name) == ("postgres", "valkey")
    assert postgres.version is not None
    assert int(postgres.version.split(".")[0]) >= 15
    assert valkey.version is not None
    assert postgres.size_bytes > 10_000_000
    assert postgres.data == shared_clone / ".stepmark" / "postgres"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["d" * 100, "with 'quotes\" and, comma ü %20"])
def test_a_clone_at_a_long_or_odd_path_works_through_a_short_plain_one(
    clone: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("STEPMARK_HOME", str(clone / name / ".stepmark"))
    try:
        embedded.start()
        assert connect().execute("SELECT 1").fetchone() == (1,)
        with redis.from_url(embedded.cache_url()) as client:
            assert client.ping()
        with kombu(embedded.broker_url()) as celery:
            celery.connect()
        sockets = Path(str(embedded.database_parameters()["HOST"]))
        assert clone not in sockets.parents
        assert sockets.stat().st_uid == layout.place().uid
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    finally:
        embedded.stop()
        sockets = layout.place().sockets
        for leftover in sockets.iterdir():
            leftover.unlink()
        sockets.rmdir()


def test_a_socket_folder_that_others_may_enter_is_refused(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPMARK_HOME", str(clone / ("d" * 100)))
    sockets = layout.place().sockets
    sockets.mkdir()
    try:
        sockets.chmod(0o777)
        with pytest.raises(embedded.EmbeddedError, match=r"mode 700.*has mode 777"):
            embedded.start(postgres=False)
        sockets.rmdir()
        sockets.symlink_to(clone)
        with pytest.raises(embedded.EmbeddedError, match="mode 700"):
            embedded.start(postgres=False)
    finally:
        sockets.unlink()


def test_without_the_wheels_it_says_what_to_install_or_set(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(embedded.EmbeddedUnavailable, match=r"extra.*DATABASE_URL"):
        embedded.start(postgres=False)
    with pytest.raises(embedded.EmbeddedUnavailable, match=r"extra.*DATABASE_URL"):
        embedded.start(valkey=False)


def test_a_home_that_cannot_be_made_is_a_clear_error(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clone / "file").write_text("")
    for impossible in (str(clone / "file" / "home"), "/proc/stepmark"):
        monkeypatch.setenv("STEPMARK_HOME", impossible)
        with pytest.raises(embedded.EmbeddedError, match=r"STEPMARK_HOME.*DATABASE_URL"):
            embedded.start()
        with pytest.raises(embedded.EmbeddedError, match="STEPMARK_HOME"):
            embedded.secret_key()
    monkeypatch.setenv("STEPMARK_HOME", str(clone / ".stepmark"))


def test_one_secret_key_is_made_however_many_ask_at_once(clone: Path, starter: Starter) -> None:
    asking = [starter("print(embedded.secret_key())") for _ in range(6)]
    keys = {process.communicate()[0].strip() for process in asking}
    assert keys == {embedded.secret_key()}
    assert len(embedded.secret_key()) >= 50
    assert stat.S_IMODE((embedded.home() / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in embedded.home().iterdir()] == ["secret_key"]


def test_no_secret_of_the_starter_reaches_the_servers(
    made_clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("PGPORT", "1")
    embedded.start()
    assert "OPENAI_API_KEY" not in programs.environment()
    shown = subprocess.run(
        ["ps", "eww", *(str(pid) for pid in pids().values())], capture_output=True, text=True
    ).stdout
    assert "stepmark-test" in shown
    assert "sk-secret" not in shown
