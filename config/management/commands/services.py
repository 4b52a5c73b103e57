"""`manage.py services start|status|stop`: the embedded PostgreSQL and Valkey of this clone."""

import json
import os
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import embedded

EXTERNAL = {"postgres": "DATABASE_URL", "valkey": "CELERY_BROKER_URL"}
NOT_RUNNING = 3


class Command(BaseCommand):
    help = "Start, show or stop the embedded PostgreSQL and Valkey of this clone."
    # It must work, and start nothing, when the database is down.
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["start", "status", "stop"])
        parser.add_argument("--json", action="store_true", help="status as JSON, sizes in bytes")

    def handle(self, *args: Any, action: str, json: bool, **options: Any) -> None:
        try:
            if action == "start":
                embedded.start(
                    postgres=not _is_external("postgres"),
                    valkey=not _is_external("valkey"),
                    say=self.stderr.write,
                )
            elif action == "stop":
                embedded.stop(say=self.stderr.write)
            found = embedded.status()
        except embedded.EmbeddedError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_as_json(found) if json else _as_table(found))
        if action == "status" and not all(
            service.running or _is_external(service.name) for service in found
        ):
            sys.exit(NOT_RUNNING)


def _is_external(name: str) -> bool:
    return EXTERNAL[name] in os.environ


def _as_json(found: list[embedded.ServiceStatus]) -> str:
    rows = [asdict(service) | {"external": _is_external(service.name)} for service in found]
    return json.dumps(rows, default=str, indent=2)


def _as_table(found: list[embedded.ServiceStatus]) -> str:
    lines = [f"{'name':10}{'state':10}{'pid':>8}  {'version':10}{'size':>10}  data"]
    for service in found:
        state = "running" if service.running else "stopped"
        size = f"{service.size_bytes / 1e6:.1f} MB"
        lines.append(
            f"{service.name:10}{state:10}{service.pid or '-':>8}  {service.version or '-':10}"
            f"{size:>10}  {service.data}"
        )
        if _is_external(service.name):
            lines.append(f"{'':10}not used: {EXTERNAL[service.name]} names a server of your own")
    return "\n".join(lines)
