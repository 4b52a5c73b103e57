"""The benchmarks of claims run, at a small size. Whether they are fast is for `make bench`."""

import subprocess
import sys

import pytest
from pytest_django.plugin import DjangoDbBlocker

import bench.__main__ as bench
from tests.bench.test_records import FIELDS


@pytest.mark.slow
@pytest.mark.xdist_group("both cores")
def test_claims_are_measured_at_every_size_in_a_row_and_side_by_side(
    django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.claims.MARKED", 5_000)
    monkeypatch.setattr("bench.claims.CLAIMS", 40)
    with django_db_blocker.unblock():
        measured = list(bench.measure_claims((1_000, 2_000), in_a_row=60, each=100))
    for measurement in measured:
        assert measurement.keys() == FIELDS
        assert measurement["measured"] > 0
        assert measurement["reference"] > 0
    units = [measurement["unit"] for measurement in measured]
    assert units == ["ms", "buffers", "ms", "ms", "buffers", "claims/s", "claims/s"]
    (rescan,) = (measurement for measurement in measured if measurement["limit"] is None)
    assert bench.passed(rescan)


def test_the_benchmarks_are_found_without_django() -> None:
    command = [sys.executable, "-m", "bench", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "claims" in shown.stdout, shown.stderr
