"""A whole Stepmark of its own, with its own servers, for tests that kill things."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORKER = "-m celery -A config worker --loglevel INFO --without-gossip --without-mingle"

# Runs one piece of code a line, as a new `manage.py shell` each would, less the seconds that it
# takes to start one: it too brings the servers up first, and leaves no connection behind.
ASKED = """
import contextlib, io, json, sys, traceback
from django.db import connections
from config.boot import boot
for line in sys.stdin:
    failure, printed = "", io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            boot()
            exec(json.loads(line), {})
    except BaseException:
        failure = traceback.format_exc()
    connections.close_all()
    print(json.dumps([printed.getvalue(), failure]), flush=True)
"""

# Whoever inserts a row while {held} waits, within the transaction, until `let_go`.
HOLD = """
CREATE TABLE IF NOT EXISTS gone_on ();
CREATE FUNCTION held_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF {held} THEN
        WHILE NOT EXISTS (SELECT FROM gone_on) LOOP PERFORM pg_sleep(0.1); END LOOP;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER held AFTER INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION held_{table}();
"""
LET_GO = "INSERT INTO gone_on DEFAULT VALUES"
IS_HELD = "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


class Stepmark:
    """Runs `manage.py`, workers and the clock as real processes over a home of their own."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home
        outer = {"DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL", "SECRET_KEY"}
        self.environment = {key: value for key, value in os.environ.items() if key not in outer}
        self.environment.update(environment, STEPMARK_HOME=str(home))
        self._started: list[subprocess.Popen[bytes]] = []
        self._asked: subprocess.Popen[str] | None = None

    def manage(
        self, line: str, *, check: bool = True, seconds: float = 240
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "manage.py", *line.split()],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        if check and done.returncode:
            raise AssertionError(f"manage.py {line} failed:\n{done.stdout}{done.stderr}")
        return done

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start python with `arguments` in a process group of its own, its output in the home."""
        self.home.mkdir(exist_ok=True)
        with (self.home / f"process-{len(self._started)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def start_worker(self, *, processes: int = 1, include: str = "") -> subprocess.Popen[bytes]:
        """Start a Celery worker; `include` names a module that it imports."""
        name = f"worker{len(self._started)}@localhost"
        line = f"{WORKER} -Q stepmark,local -c {processes} -n {name}"
        return self.start(*line.split(), *(["--include", include] if include else []))

    def start_clock(self) -> subprocess.Popen[bytes]:
        schedule = str(self.home / "schedule")
        clock = ["-m", "celery", "-A", "config", "beat", "--schedule"]
        return self.start(*clock, schedule)

    def start_code(self, code: str) -> subprocess.Popen[bytes]:
        """Start `manage.py shell` on `code`."""
        return self.start("manage.py", "shell", "--verbosity", "0", "--command", code)

    def query(self, expression: str) -> str:
        """Return what the expression, over annotation's models, prints as."""
        code = f"from annotation.models import *; print({expression})"
        return self.manage_code(code).strip()

    def manage_code(self, code: str) -> str:
        """Return what `code` prints in a process that is none of those under test."""
        self._asked = self._asked or self._start_asked()
        assert self._asked.stdin
        assert self._asked.stdout
        self._asked.stdin.write(json.dumps(code) + "\n")
        self._asked.stdin.flush()
        answer = self._asked.stdout.readline()
        assert answer, f"it ended at {code}\n{self.logs()}"
        printed, failure = json.loads(answer)
        assert not failure, failure
        return str(printed)

    def _start_asked(self) -> subprocess.Popen[str]:
        self.home.mkdir(exist_ok=True)
        with (self.home / "process-asked.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "manage.py", "shell", "--verbosity", "0", "--command", ASKED],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def make_project(self, slug: str, *problems: str) -> None:
        """Make a project with problems of these texts, without reference answers."""
        self.manage_code(
            "from annotation.digests import digest\n"
            "from annotation.models import Problem, Project\n"
            f"project = Project.objects.create(slug={slug!r}, name={slug!r})\n"
            f"for text in {problems!r}:\n"
            "    Problem.objects.create(project=project, text=text, key=digest(text, None))\n"
        )

    def hold(self, table: str, held: str) -> None:
        """Make insertions into `table` that find the SQL condition `held` true wait in midst.

        A program can so be killed within a transaction, however fast or slow it runs.
        """
        self._execute(HOLD.format(table=table, held=held))

    def wait_until_held(self) -> None:
        self.wait_until(lambda: self._execute(IS_HELD) == "1", what="an insertion that waits")

    def let_go(self) -> None:
        """End the waiting, which outlives a killed program in the server."""
        self._execute(LET_GO)

    def _execute(self, statement: str) -> str:
        """Return the number of rows."""
        return self.manage_code(
            "from django.db import connection\n"
            "with connection.cursor() as cursor:\n"
            f"    cursor.execute({statement!r})\n"
            "    print(cursor.rowcount)"
        ).strip()

    def logs(self) -> str:
        files = sorted(self.home.glob("process-*.log"))
        return "\n".join(f"== {path.name}\n{path.read_text()[-3000:]}" for path in files)

    def assert_all_run(self) -> None:
        """Fail with the output of a started process that ended by itself with an error."""
        failed = [process.args for process in self._started if (process.poll() or 0) > 0]
        assert not failed, self.logs()

    def wait_until(self, condition: Callable[[], bool], *, what: str, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            self.assert_all_run()
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} did not happen in {seconds} s\n{self.logs()}")
            time.sleep(0.3)

    def close(self) -> None:
        for process in self._started:
            kill_group(process)
        if self._asked:
            self._asked.communicate()
        self.manage("services stop", check=False)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """`kill -9` a process that `Stepmark.start` started, and its children."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def stepmark(
    environment: Mapping[str, str] | None = None, *, made: Path | None = None
) -> Iterator[Stepmark]:
    """Yield a migrated Stepmark in a new folder, and end all of it afterwards.

    `environment` is added to that of its processes, to name servers of its own for instance. It
    begins as a copy of the home `made`, where there is one.
    """
    # Not tmp_path, which is closed to the account that runs root's servers.
    folder = Path(tempfile.mkdtemp(prefix="stepmark-test-"))
    folder.chmod(0o755)
    place = Stepmark(folder / ".stepmark", environment or {})
    try:
        if made:
            copy(made, place.home)
        else:
            place.manage("migrate --verbosity 0")
        yield place
    finally:
        place.close()
        shutil.rmtree(folder)


def copy(made: Path, home: Path) -> None:
    """Copy a home whose servers do not run, with the owners of its files."""
    subprocess.run(["cp", "-a", made, home], check=True)
