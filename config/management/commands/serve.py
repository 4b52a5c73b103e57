"""`manage.py serve`: web server, workers and clock, together in one terminal."""

import shlex
import socket
import sys
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from honcho.manager import Manager

from config import embedded

CELERY = ("celery", "-A", "config")
LAST_PORT = 65_535
WORKER = (*CELERY, "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle")


class Command(BaseCommand):
    help = "Run the web server, the workers and the sweeper's clock until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000", metavar="HOST:PORT")
        parser.add_argument("--web-workers", type=int, default=2)
        parser.add_argument("--workers", type=int, default=2, help="processes for runs")

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_taken(options["bind"])
        call_command("migrate", verbosity=0)
        schedule = str(embedded.home() / "celerybeat-schedule")
        workers = str(options["workers"])
        # Its control socket would lie in the home folder, one for all sites of an account.
        web = ["gunicorn", "config.wsgi", "--no-control-socket", "--threads", "4"]
        web += ["--bind", options["bind"]]
        commands = {
            "web": [*web, "--workers", str(options["web_workers"])],
            "worker": [*WORKER, "-Q", "stepmark", "-n", "stepmark@%h", "-c", workers],
            "clock": [*CELERY, "beat", "--schedule", schedule],
        }
        if find_spec("torch"):
            # One process: the model is loaded once, and has the cores to itself.
            commands["local"] = [*WORKER, "-Q", "local", "-n", "local@%h", "-c", "1"]
        manager = Manager()
        for name, command in commands.items():
            line = shlex.join([sys.executable, "-m", *command])
            manager.add_process(name, line, cwd=str(settings.BASE_DIR))
        self.stdout.write(f"Stepmark is at http://{options['bind']}/ (Ctrl-C stops it)")
        manager.loop()
        sys.exit(manager.returncode)


def _refuse_taken(bind: str) -> None:
    """Say so before anything is started, where the address is none or another program's."""
    host, _, port = bind.rpartition(":")
    if ":" not in bind or not port.isascii() or not port.isdecimal() or int(port) > LAST_PORT:
        raise CommandError(f"--bind {bind!r} is not HOST:PORT, such as 127.0.0.1:8000")
    name, family = host.strip("[]"), socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.getaddrinfo(name or None, int(port), family)
    except (OSError, UnicodeError):
        raise CommandError(f"cannot serve at {bind}: there is no host {host!r}") from None
    try:
        with socket.create_server((name, int(port)), family=family, reuse_port=False):
            return
    except OSError as error:
        why = error.strerror or str(error)
        raise CommandError(f"cannot serve at {bind}: {why}; choose --bind HOST:PORT") from None
