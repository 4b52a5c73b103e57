"""The benchmarks of records run, at a small size."""

import pytest
from pytest_django.plugin import DjangoDbBlocker

from bench.__main__ import measure_records, passed


@pytest.mark.slow
def test_import_export_and_memory_are_measured(django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        measured = list(measure_records(60))
    assert [measurement["unit"] for measurement in measured] == ["s", "s", "MB", "MB"]
    assert all(measurement["ratio"] > 0 for measurement in measured)


def test_a_ratio_is_held_against_its_limit() -> None:
    def measured(ratio: float, kind: str) -> dict[str, object]:
        return {"ratio": ratio, "limit": 2.0, "limit_kind": kind}

    assert passed(measured(1.9, "at most"))
    assert not passed(measured(2.1, "at most"))
    assert passed(measured(2.1, "at least"))
    assert not passed(measured(1.9, "at least"))
