"""What the embedded servers survive: every fault is a real one, done to real servers."""

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from config import embedded
from config.embedded import layout
from tests.config.conftest import Connect, Starter, pids


def kill(name: str) -> None:
    pid = pids()[name]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def wait_until(true: Callable[[], bool]) -> None:
    """Wait without an upper limit; the test's own time-out bounds it."""
    while not true():
        time.sleep(0.01)


def all_run() -> bool:
    return all(service.running for service in embedded.status())


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """Another program, of the same account as the servers."""
    account = layout.place().account
    process = subprocess.Popen(
        ["sleep", "1000"],
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )
    yield process
    process.kill()
    process.wait()


def test_a_stale_pid_file_whose_number_is_another_programs_harms_neither(
    made_clone: Path, stranger: subprocess.Popen[bytes], connect: Connect
) -> None:
    embedded.start()
    postgres_pid = embedded.home() / "postgres" / "postmaster.pid"
    _, *lines = postgres_pid.read_text().splitlines()
    embedded.stop()
    postgres_pid.write_text("\n".join([str(stranger.pid), *lines]) + "\n")
    valkey_pid = embedded.home() / "valkey" / "valkey.pid"
    valkey_pid.write_text(f"{stranger.pid}\n")
    assert pids() == {"postgres": None, "valkey": None}
    embedded.stop()
    assert stranger.poll() is None
    embedded.start()
    assert connect().execute("SELECT 1").fetchone() == (1,)
    assert stranger.poll() is None


def test_a_half_written_pid_file_is_survived(made_clone: Path) -> None:
    embedded.start()
    for content in (b"", b"12", b"-1\n", b"\xff\x00", b"9" * 40, b"1\n/else"):
        embedded.stop()
        (embedded.home() / "postgres" / "postmaster.pid").write_bytes(content)
        (embedded.home() / "valkey" / "valkey.pid").write_bytes(content)
        assert pids() == {"postgres": None, "valkey": None}
        embedded.start()
        assert all_run()


def test_killed_servers_come_back_with_all_that_was_committed(
    made_clone: Path, connect: Connect
) -> None:
    embedded.start()
    connect().execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")
    with redis.from_url(embedded.cache_url(), decode_responses=True) as client:
        client.set("kept", "yes")
    before = pids()
    kill("postgres")
    kill("valkey")
    embedded.start()
    assert connect().execute("SELECT count(*) FROM kept").fetchone() == (1000,)
    with redis.from_url(embedded.cache_url(), decode_responses=True) as client:
        assert client.get("kept") == "yes"
    assert not before.items() & pids().items()


def test_a_killed_backend_takes_nobody_else_down_for_good(
    made_clone: Path, connect: Connect
) -> None:
    embedded.start(valkey=False)
    before = pids()
    connection = connect()
    os.kill(connection.info.backend_pid, signal.SIGKILL)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    embedded.start(valkey=False)
    assert connect().execute("SELECT 1").fetchone() == (1,)
    assert pids() == before


@pytest.mark.slow
def test_what_is_left_of_a_killed_server_is_waited_for(
    made_clone: Path, connect: Connect, starter: Starter
) -> None:
    embedded.start(valkey=False)
    backend = psutil.Process(connect().info.backend_pid)
    # Stopped, it cannot notice that its postmaster has died, as in the midst of a long query.
    backend.suspend()
    kill("postgres")
    second = starter("embedded.start(valkey=False)")
    assert second.stdout is not None
    assert "Waiting for PostgreSQL" in second.stdout.readline()
    assert not embedded.status()[0].running
    backend.resume()
    assert second.wait() == 0
    assert embedded.status()[0].running


@pytest.mark.slow
def test_a_recovery_that_takes_long_is_waited_for_by_all(
    made_clone: Path, starter: Starter, connect: Connect
) -> None:
    embedded.start(valkey=False)
    connect().execute("CREATE TABLE kept AS SELECT 1 AS one")
    kill("postgres")
    data, go_on = embedded.home() / "postgres", made_clone / "go-on"
    # Recovery asks this command for a log file, and goes on without one when it fails.
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"restore_command = 'while ! test -e {go_on}; do sleep 0.1; done; false'\n")
        settings.write("hot_standby = off\n")
    (data / "recovery.signal").touch()
    starting = [starter("embedded.start(valkey=False)") for _ in range(2)]
    for process in starting:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "is starting up" in line or "Another process is starting" in line
    recovering = pids()["postgres"]
    assert recovering is not None
    assert not embedded.status()[0].running
    go_on.touch()
    assert [process.wait() for process in starting] == [0, 0]
    assert pids()["postgres"] == recovering
    assert connect().execute("TABLE kept").fetchone() == (1,)


def test_eight_first_starts_at_once_make_one_server(clone: Path, starter: Starter) -> None:
    code = "embedded.start()\nprint([s.pid for s in embedded.status()])"
    starting = [starter(code) for _ in range(8)]
    outputs = [process.communicate()[0] for process in starting]
    assert [process.returncode for process in starting] == [0] * 8, outputs
    assert {output.splitlines()[-1] for output in outputs} == {str(list(pids().values()))}
    assert sum("Making a PostgreSQL" in output for output in outputs) == 1


@pytest.mark.slow
def test_forked_children_share_the_servers_and_end_without_them(
    made_clone: Path, starter: Starter
) -> None:
    master = starter(
        "import os\n"
        "embedded.start()\n"
        "for _ in range(3):\n"
        "    if os.fork() == 0:\n"
        "        embedded.start(); os._exit(0)\n"
        "print([os.wait()[1] for _ in range(3)], [s.pid for s in embedded.status()])\n"
    )
    output = master.communicate()[0].splitlines()[-1]
    assert output == f"[0, 0, 0] {list(pids().values())}"
    assert all_run()


@pytest.mark.slow
@pytest.mark.parametrize("steps", range(0, 24, 2))
def test_a_starter_killed_on_its_way_leaves_nothing_in_the_way(
    clone: Path, starter: Starter, connect: Connect, steps: int
) -> None:
    first = starter(
        # Counting calls rather than seconds kills it at the same places on every machine.
        "import os, signal, sys\n"
        "seen = set()\n"
        "def trace(frame, event, argument):\n"
        "    code = frame.f_code\n"
        "    if event == 'call' and '/config/embedded/' in code.co_filename:\n"
        "        seen.add((code.co_filename, code.co_qualname))\n"
        f"        if len(seen) > {10 + steps}: os.kill(os.getpid(), signal.SIGKILL)\n"
        "sys.setprofile(trace)\n"
        "embedded.start()\n"
        "embedded.secret_key()\n"
    )
    first.communicate()
    embedded.start()
    assert connect().execute("SELECT current_user").fetchone() == ("stepmark",)
    assert all_run()


@pytest.mark.slow
def test_a_starter_killed_while_programs_that_it_started_go_on(
    clone: Path, starter: Starter, connect: Connect
) -> None:
    for name in ("initdb", "postgres"):
        first = starter()
        ours = psutil.Process(first.pid)

        def runs(name: str = name, ours: psutil.Process = ours) -> bool:
            return any(child.name() == name for child in ours.children(recursive=True))

        wait_until(runs)
        first.kill()
        first.wait()
    embedded.start()
    assert connect().execute("SELECT current_user").fetchone() == ("stepmark",)


@pytest.mark.slow
def test_a_lost_socket_is_had_again_by_starting_again(made_clone: Path, connect: Connect) -> None:
    embedded.start()
    for service in embedded.status():
        service.socket.unlink()
    said: list[str] = []
    embedded.start(say=said.append)
    assert sum("has lost its socket" in line for line in said) == 2
    assert connect().execute("SELECT 1").fetchone() == (1,)


def test_a_server_that_is_not_ours_is_neither_used_nor_ended(clone: Path) -> None:
    embedded.start(postgres=False)
    embedded.stop()
    with socket.socket(socket.AF_UNIX) as listener:
        path = embedded.status()[1].socket
        listener.bind(str(path))
        listener.listen()
        code = (
            "import socket, sys\n"
            "listener = socket.socket(fileno=int(sys.argv[1]))\n"
            "while True:\n"
            "    line, _ = listener.accept()\n"
            "    line.recv(100); line.sendall(b'+PONG\\r\\n'); line.close()\n"
        )
        listener.set_inheritable(True)
        other = subprocess.Popen(
            [sys.executable, "-c", code, str(listener.fileno())], close_fds=False
        )
        try:
            with pytest.raises(embedded.EmbeddedError, match="not ours"):
                embedded.start(postgres=False)
            assert not embedded.status()[1].running
            assert other.poll() is None
        finally:
            other.kill()
            other.wait()


@pytest.mark.slow
def test_a_server_that_does_not_come_up_shows_the_end_of_its_log(made_clone: Path) -> None:
    embedded.start(valkey=False)
    embedded.stop()
    with (embedded.home() / "postgres" / "postgresql.conf").open("a") as settings:
        settings.write("max_connections = many\n")
    with pytest.raises(embedded.EmbeddedError, match=r'(?s)log.*"max_connections": "many"'):
        embedded.start(valkey=False)
    with (embedded.home() / "postgres" / "postgresql.conf").open("a") as settings:
        settings.write("max_connections = 50\n")
    embedded.start(valkey=False)


@pytest.mark.slow
def test_a_file_size_limit_is_said_and_leaves_no_half_made_database(
    clone: Path, starter: Starter
) -> None:
    limited = starter(
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
        "try: embedded.start()\n"
        "except embedded.EmbeddedError as error: print('said:', error)\n"
    )
    assert "file size limit is reached" in limited.communicate()[0]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    assert not (embedded.home() / "postgres").exists()
    embedded.start()
    assert all_run()


@pytest.fixture
def small_disk(clone: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    disk = clone / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=10m,mode=755", "stepmark-test", str(disk)]
    made = subprocess.run(mount, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no small disk can be mounted here: {made.stderr.strip()}")
    monkeypatch.setenv("STEPMARK_HOME", str(disk / ".stepmark"))
    yield disk
    embedded.stop()
    subprocess.run(["umount", str(disk)], check=True)


def grow(disk: Path, megabytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={megabytes}m", str(disk)], check=True)


@pytest.mark.slow
def test_a_full_disk_is_said_and_survived(small_disk: Path, connect: Connect) -> None:
    with pytest.raises(embedded.EmbeddedError, match="is full"):
        embedded.start()
    assert not (embedded.home() / "postgres").exists()
    grow(small_disk, 200)
    embedded.start()
    connect().execute("CREATE TABLE kept AS SELECT 1 AS one")
    embedded.stop()
    ballast = small_disk / "ballast"
    filled = subprocess.run(["cp", "/dev/zero", str(ballast)], capture_output=True, text=True)
    assert "No space left" in filled.stderr
    with pytest.raises(embedded.EmbeddedError, match="is full"):
        embedded.start()
    ballast.unlink()
    embedded.start()
    assert connect().execute("TABLE kept").fetchone() == (1,)
