"""Brings up the embedded services that this process needs, before Django connects to them."""

import os
import sys
from collections.abc import Sequence

from config import embedded

# Commands that must work while nothing runs, or that need no database.
NEED_NOTHING = frozenset(
    ["", "compilemessages", "collectstatic", "help", "makemessages", "services", "version"]
)


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def boot() -> None:
    """Start the private PostgreSQL and Valkey, unless the environment names others."""
    embedded.start(
        postgres="DATABASE_URL" not in os.environ,
        valkey="CELERY_BROKER_URL" not in os.environ,
        say=say,
    )


def boot_for(arguments: Sequence[str]) -> None:
    """Start what the command line `arguments` (without the program's name) needs, or exit."""
    command = next((word for word in arguments if not word.startswith("-")), "")
    if command in NEED_NOTHING or {"-h", "--help"} & set(arguments):
        return
    try:
        boot()
    except embedded.EmbeddedError as error:
        sys.exit(f"stepmark: {error}")
