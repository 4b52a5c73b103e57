"""Databases from before claims were one statement: what labelers hold then stays theirs."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from annotation import leases
from annotation.models import Lease
from tests.annotation.test_leases import claim, make_queue, someone, submit

pytestmark = pytest.mark.django_db(transaction=True)


def migrate(to: list[tuple[str, str]]) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(to)


@pytest.fixture
def newest() -> Iterator[list[tuple[str, str]]]:
    """The last migrations of all apps, which hold again after the test."""
    leaves = MigrationExecutor(connection).loader.graph.leaf_nodes()
    yield leaves
    migrate(leaves)


def test_what_was_held_is_given_again_after_the_migration(newest: list[tuple[str, str]]) -> None:
    project = make_queue(5)
    labeler, other = someone(), someone()
    first, done, second = (claim(labeler, project, at_once=n) for n in (1, 2, 3))
    submit(done)
    theirs = claim(other, project)
    migrate([("annotation", "0003_browsing")])
    migrate(newest)
    assert claim(labeler, project, at_once=2) == first
    assert claim(other, project) == theirs
    third = claim(labeler, project, at_once=3)
    assert third.open_before == [first.pk, second.pk]
    assert leases.claim_next(labeler=labeler, project=project, at_once=3) == first
    assert Lease.objects.open().count() == 4
