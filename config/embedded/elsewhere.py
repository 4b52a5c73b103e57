"""The seat under `/var/lib/stepmark` of a home that root's servers cannot reach.

The home's file `elsewhere` names the seat, and the seat's file `home` names the home, so that a
clone may be moved, copied, or deleted and made anew at the same path without two clones ever
sharing a database unknowingly.
"""

import time
from collections.abc import Iterable
from pathlib import Path

from config.embedded.errors import EmbeddedError, said_plainly
from config.embedded.layout import Place, home, make_seat
from config.embedded.server import Say, Server


def is_settled(place: Place) -> bool:
    """Whether the place is the home, or a seat that the home names."""
    return place.folder == home() or (home() / "elsewhere").is_file()


def settle(place: Place, servers: Iterable[Server], say: Say) -> None:
    """Make the seat, or verify that it is this clone's. Call it with the starters' lock taken."""
    if place.folder == home():
        return
    with said_plainly(place.folder):
        if is_settled(place):
            _recognise(place.folder)
            return
        if place.folder.exists():
            for server in servers:
                server.end(say)
            aside = place.folder.with_name(f"{place.folder.name}.{time.time_ns()}")
            place.folder.rename(aside)
            say(f"The servers' files of an earlier clone at this path are now in {aside}.")
        make_seat()
        (place.folder / "home").write_text(str(home()))
        (home() / "elsewhere").write_text(str(place.folder))
    account = place.account.pw_name if place.account else ""
    say(
        f"PostgreSQL does not run as root, and its account {account} cannot reach {home()}: "
        f"the servers' programs and data are in {place.folder}."
    )


def _recognise(seat: Path) -> None:
    named = Path((seat / "home").read_text())
    if named == home():
        return
    marker = named / "elsewhere"
    if marker.is_file() and marker.read_text() == str(seat):
        raise EmbeddedError(
            f"{home()} is a copy of {named}, and both name {seat} as the place of their data. "
            f"To give this clone servers of its own, delete {home() / 'elsewhere'}."
        )
    (seat / "home").write_text(str(home()))
