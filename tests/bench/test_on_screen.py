"""The benchmark of the labelling page runs, on a few solutions."""

import pytest
from pytest_django.plugin import DjangoDbBlocker

import bench.__main__ as bench
from tests.bench.test_records import FIELDS


@pytest.mark.slow
@pytest.mark.xdist_group("both cores")
def test_the_next_solution_is_timed_in_a_browser(
    django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Set by the benchmark; put back when the test ends.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with django_db_blocker.unblock():
        (measured,) = bench.measure_page(3)
    assert measured.keys() == FIELDS
    assert measured["measured"] > 0
    assert measured["reference"] > 0
