"""Servers of one's own, named by the environment: nothing embedded is started then."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.place import Stepmark, stepmark

pytestmark = pytest.mark.slow


@pytest.fixture
def outside() -> Iterator[Stepmark]:
    """A PostgreSQL and a Valkey that the Stepmark under test did not start."""
    with stepmark() as outside:
        yield outside


@pytest.fixture
def place(outside: Stepmark) -> Iterator[Stepmark]:
    servers = json.loads(outside.manage("services status --json").stdout)
    sockets = {server["name"]: server["socket"] for server in servers}
    folder, _, _ = sockets["postgres"].rpartition("/")
    environment = {
        "DATABASE_URL": f"postgresql://stepmark@{quote(folder, safe='')}/stepmark",
        "CELERY_BROKER_URL": f"redis+socket://{sockets['valkey']}?virtual_host=3",
        "CACHE_URL": f"unix://{sockets['valkey']}?db=4",
        "SECRET_KEY": "for this test only " * 4,
    }
    with stepmark(environment) as place:
        yield place


def test_the_whole_way_from_a_request_to_a_worker_goes_over_them(place: Stepmark) -> None:
    place.make_project("own", "2 + 2?")
    place.start_worker()
    place.manage("sample --project own --engine scripted -n 5")
    place.wait_until(
        lambda: place.query("Run.objects.get().state") == "finished", what="the run's end"
    )
    assert place.manage("services status").stdout.count("not used: ") == 2
    assert not (place.home / "postgres").exists()
    assert not (place.home / "valkey").exists()
