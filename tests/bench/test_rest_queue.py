"""The benchmark of the queue over REST runs, at a small size, and finds what is wrong."""

import pytest
from pytest_django.plugin import DjangoDbBlocker

import bench.__main__ as bench
from bench import rest_queue
from bench.rest_clients import Rounds
from tests.bench.test_records import FIELDS


@pytest.mark.slow
@pytest.mark.xdist_group("both cores")
def test_the_queue_over_rest_is_measured_against_a_bare_pair_of_views(
    django_db_blocker: DjangoDbBlocker,
) -> None:
    with django_db_blocker.unblock():
        rate, clients = list(bench.measure_rest(1_000, rounds=40))
    assert rate.keys() == clients.keys() == FIELDS
    assert (rate["unit"], rate["limit_kind"]) == ("rounds/s", "at least")
    assert rate["measured"] > 0
    assert rate["reference"] > 0
    assert 0 < clients["ratio"] < 1
    assert bench.passed(clients)


def test_a_slot_that_is_handed_out_twice_is_found() -> None:
    with pytest.raises(AssertionError, match="handed out twice"):
        rest_queue.check_once([Rounds(1.0, 0.1, [1, 2]), Rounds(1.0, 0.1, [2])])


@pytest.mark.django_db
def test_work_that_is_lost_is_found() -> None:
    with pytest.raises(AssertionError, match="lost"):
        rest_queue.check_once([Rounds(1.0, 0.1, [1])])
