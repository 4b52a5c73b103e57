"""`manage.py serve`: web server, workers and clock, together in one terminal."""

import sys
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from honcho.manager import Manager

from config import embedded

WORKER = "celery -A config worker --loglevel INFO --without-gossip --without-mingle"


class Command(BaseCommand):
    help = "Run the web server, the workers and the sweeper's clock until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000", metavar="HOST:PORT")
        parser.add_argument("--web-workers", type=int, default=2)
        parser.add_argument("--workers", type=int, default=2, help="processes for runs")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        python = f"{sys.executable} -m"
        schedule = embedded.home() / "celerybeat-schedule"
        manager = Manager()
        commands = {
            "web": f"gunicorn config.wsgi --bind {options['bind']} --threads 4"
            f" --workers {options['web_workers']}",
            "worker": f"{WORKER} -Q stepmark -c {options['workers']} -n stepmark@%h",
            "clock": f"celery -A config beat --schedule '{schedule}'",
        }
        if find_spec("torch"):
            # One process: the model is loaded once, and has the cores to itself.
            commands["local"] = f"{WORKER} -Q local -c 1 -n local@%h"
        for name, command in commands.items():
            manager.add_process(name, f"{python} {command}", cwd=str(settings.BASE_DIR))
        self.stdout.write(f"Stepmark is at http://{options['bind']}/ (Ctrl-C stops it)")
        manager.loop()
        sys.exit(manager.returncode)
