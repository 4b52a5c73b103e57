"""The benchmark of workers runs, at a small size. Whether it is fast is for `make bench`."""

import pytest
from pytest_django.plugin import DjangoDbBlocker

from bench import run_workers
from bench.scratch import scratch_database


@pytest.mark.slow
def test_two_workers_are_measured_against_one(
    django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_workers, "SECONDS", 0.1)
    with django_db_blocker.unblock(), scratch_database():
        measured = run_workers.measure(rounds=1)
    assert measured["unit"] == "draws/s"
    assert measured["measured"] > 0
    assert measured["reference"] > 0
    assert measured["limit_kind"] == "at least"
