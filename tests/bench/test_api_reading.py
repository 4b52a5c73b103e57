"""The benchmark of reading over REST runs, at a small size."""

import pytest
from pytest_django.plugin import DjangoDbBlocker

import bench.__main__ as bench
from tests.bench.test_records import FIELDS


@pytest.mark.slow
@pytest.mark.xdist_group("both cores")
def test_pages_and_streams_are_measured(
    django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.api_reading.ROUNDS", 4)
    with django_db_blocker.unblock():
        pages, stream, memory = list(bench.measure_api(4_000))
    assert pages.keys() == stream.keys() == memory.keys() == FIELDS
    assert (pages["limit"], stream["limit_kind"], memory["limit"]) == (2.0, "at least", 1.2)
    assert min(pages["measured"], stream["measured"], memory["measured"]) > 0
