import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import embedded
from config.embedded import layout


def services(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "services", *arguments],
        cwd=layout.PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


def test_status_starts_nothing_and_says_by_its_exit_code_whether_they_run(made_clone: Path) -> None:
    before = services("status")
    assert before.returncode == 3
    assert before.stdout.count("stopped") == 2
    embedded.start()
    after = services("status", "--json")
    assert after.returncode == 0
    postgres, valkey = json.loads(after.stdout)
    assert postgres["running"]
    assert valkey["running"]
    assert postgres["data"] == str(made_clone / ".stepmark" / "postgres")


@pytest.mark.slow
def test_one_of_two_is_not_running(clone: Path) -> None:
    embedded.start(postgres=False)
    assert services("status").returncode == 3


def test_stop_stops_both_and_start_starts_them(made_clone: Path) -> None:
    started = services("start")
    assert started.returncode == 0, started.stderr
    assert [service.running for service in embedded.status()] == [True, True]
    stopped = services("stop")
    assert stopped.returncode == 0, stopped.stderr
    assert stopped.stdout.count("stopped") == 2
    assert [service.running for service in embedded.status()] == [False, False]


def test_a_server_of_your_own_is_neither_started_nor_asked_for(clone: Path) -> None:
    external = {"DATABASE_URL": "postgresql://nowhere.invalid/db", "SECRET_KEY": "x" * 50}
    started = services("start", **external)
    assert started.returncode == 0, started.stderr
    assert [service.running for service in embedded.status()] == [False, True]
    shown = services("status", **external)
    assert shown.returncode == 0
    assert "not used: DATABASE_URL" in shown.stdout


@pytest.mark.parametrize("action", ["start", "status", "stop"])
def test_a_home_that_cannot_be_used_is_one_plain_line(clone: Path, action: str) -> None:
    clone.joinpath(".stepmark").mkdir(mode=0o755)
    (clone / "victim").write_text("")
    clone.joinpath(".stepmark", "lock").symlink_to(clone / "victim")
    shown = services(action)
    assert "Traceback" not in shown.stderr
    if action == "status":
        assert shown.returncode == 3
    else:
        assert shown.returncode == 1
        assert "Cannot use" in shown.stderr
    assert (clone / "victim").stat().st_uid == os.geteuid()
    clone.joinpath(".stepmark", "lock").unlink()


@pytest.mark.parametrize("command", ["services", "check"])
def test_a_home_that_cannot_be_made_is_one_plain_line(clone: Path, command: str) -> None:
    arguments = ["status"] if command == "services" else []
    shown = subprocess.run(
        [sys.executable, "manage.py", command, *arguments],
        cwd=layout.PROJECT,
        env=os.environ | {"STEPMARK_HOME": "/proc/stepmark"},
        capture_output=True,
        text=True,
    )
    assert shown.returncode == 1
    assert shown.stderr.startswith("stepmark: Cannot use /proc/stepmark")
    assert "Traceback" not in shown.stderr
