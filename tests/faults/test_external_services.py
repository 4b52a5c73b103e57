"""Servers of one's own, named by the environment: nothing embedded is started then."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.place import Stepmark, stepmark

pytestmark = pytest.mark.slow


@pytest.fixture
def guest(place: Stepmark) -> Iterator[Stepmark]:
    """A Stepmark on the PostgreSQL and Valkey of another, which it did not start."""
    place.manage("services start")
    servers = json.loads(place.manage("services status --json").stdout)
    sockets = {server["name"]: server["socket"] for server in servers}
    folder, _, _ = sockets["postgres"].rpartition("/")
    environment = {
        "DATABASE_URL": f"postgresql://stepmark@{quote(folder, safe='')}/stepmark",
        "CELERY_BROKER_URL": f"redis+socket://{sockets['valkey']}?virtual_host=3",
        "CACHE_URL": f"unix://{sockets['valkey']}?db=4",
        "SECRET_KEY": "for this test only " * 4,
    }
    with stepmark(environment) as guest:
        yield guest


def test_the_whole_way_from_a_request_to_a_worker_goes_over_them(guest: Stepmark) -> None:
    guest.make_project("own", "2 + 2?")
    guest.start_worker()
    guest.manage("sample --project own --engine scripted -n 5")
    guest.wait_until(
        lambda: guest.query("Run.objects.get().state") == "finished", what="the run's end"
    )
    assert guest.manage("services status").stdout.count("not used: ") == 2
    assert not (guest.home / "postgres").exists()
    assert not (guest.home / "valkey").exists()
