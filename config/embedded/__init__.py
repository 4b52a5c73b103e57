"""A private PostgreSQL and Valkey for machines that have none, shared by all processes of a clone.

Importing this starts nothing. Only the servers' programs come from the wheels of the extra
`embedded`; their life is ours (docs/adr/0002-embedded-services.md).
"""

import sys
from collections.abc import Callable

from config.embedded import elsewhere, locks, postgres, valkey
from config.embedded.errors import EmbeddedError, EmbeddedUnavailable
from config.embedded.layout import Place, home, make_home, place, secret_key
from config.embedded.postgres import Postgres
from config.embedded.server import Notice, Server, ServiceStatus
from config.embedded.valkey import Valkey

__all__ = [
    "EmbeddedError",
    "EmbeddedUnavailable",
    "ServiceStatus",
    "broker_url",
    "cache_url",
    "database_parameters",
    "home",
    "secret_key",
    "start",
    "status",
    "stop",
]


def database_parameters() -> dict[str, object]:
    """Return Django's parameters of the embedded database, whether or not it runs."""
    return postgres.parameters(place())


def broker_url() -> str:
    """Return Celery's URL of the embedded Valkey (its database 0)."""
    return f"redis+socket://{valkey.socket_path(place())}?virtual_host=0"


def cache_url() -> str:
    """Return Django's cache URL of the embedded Valkey (its database 1)."""
    return f"unix://{valkey.socket_path(place())}?db=1"


def start(
    *, postgres: bool = True, valkey: bool = True, say: Callable[[str], None] | None = None
) -> None:
    """Return with the embedded servers up, starting and first making what is missing.

    Takes a few milliseconds when they run, and may be called by any number of processes at once.
    The servers outlive their starter. `say` hears what takes long (default: standard error).
    Raises EmbeddedUnavailable without the wheels, EmbeddedError when a server cannot come up.
    """
    say = say or _tell
    where = place()
    if elsewhere.is_settled(where) and _all_run(_servers(where, postgres, valkey)):
        return
    make_home()
    notice = Notice(say)
    with locks.turn(
        home() / "lock",
        where,
        done=lambda: _all_run(_servers(where, postgres, valkey)),
        waiting=lambda: notice("Another process is starting or stopping the servers; waiting."),
    ) as ours:
        if ours:
            elsewhere.settle(where, _servers(where), say)
            for server in _servers(where, postgres, valkey):
                server.bring_up(say)


def stop(*, say: Callable[[str], None] | None = None) -> None:
    """Stop the embedded servers and wait until they have ended; nothing where none runs."""
    where = place()
    if not where.folder.is_dir():
        return
    make_home()
    notice = Notice(say or _tell)
    with locks.turn(
        home() / "lock",
        where,
        done=lambda: False,
        waiting=lambda: notice("Another process is starting or stopping the servers; waiting."),
    ):
        for server in _servers(where):
            server.end(say or _tell)


def status() -> list[ServiceStatus]:
    """Look at the embedded servers without starting or changing anything."""
    return [server.status() for server in _servers(place())]


def _servers(where: Place, postgres: bool = True, valkey: bool = True) -> list[Server]:
    chosen: list[Server] = []
    if postgres:
        chosen.append(Postgres(where))
    if valkey:
        chosen.append(Valkey(where))
    return chosen


def _all_run(servers: list[Server]) -> bool:
    return all(server.is_running() for server in servers)


def _tell(message: str) -> None:
    sys.stderr.write(f"{message}\n")
