"""What has changed in annotations and verdicts, over REST: nothing is passed over, however late."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from time import monotonic, sleep
from typing import Any

import orjson
import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from annotation import consensus
from annotation.models import Annotation, MarkChange, Step, StepLabel, Verdict
from labelers.models import Labeler
from tests.annotation.reading_api import Eggs, address, client_of, eggs
from tests.factories import (
    make_annotation,
    make_labeler,
    make_problem,
    make_project,
    make_solution,
    make_user,
    make_verdict,
)

pytestmark = pytest.mark.django_db(transaction=True)

KEYS = {"annotations": "id", "verdicts": "step"}


@pytest.fixture
def here() -> Eggs:
    made = eggs()
    wait_for_others()
    return made


def wait_for_others(seconds: float = 60) -> None:
    """Return once no transaction of before is open any more, be it in another database."""
    until = monotonic() + seconds
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()")
        mine = cursor.fetchone()[0]
        while monotonic() < until:
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot()) > %s::xid8", [str(mine)])
            if cursor.fetchone()[0]:
                return
            sleep(0.05)
    raise AssertionError("a transaction is open for too long")


class Puller:
    """A client that holds a set: all of it once, and then what changes."""

    def __init__(self, client: APIClient, name: str, *, limit: int = 2) -> None:
        self.client, self.name, self.limit = client, name, limit
        self.held: dict[int, Any] = {}
        self.changes = ""
        self.begin()

    def begin(self) -> None:
        page = self._page(f"{address(self.name)}?limit={self.limit}")
        self.changes = page["changes"]
        while True:
            self.held |= {row[KEYS[self.name]]: row for row in page["results"]}
            if page["next"] is None:
                return
            page = self._page(page["next"])

    def pull(self, *, waits: bool = True) -> int:
        """Apply all changes; return how many there were.

        A transaction anywhere on the server holds back what is committed after it began, such as
        one of another test: this `waits` for these.
        """
        if waits:
            wait_for_others()
        applied, url = 0, self.changes
        while url:
            page = self._page(url)
            for change in page["results"]:
                applied += 1
                if change["value"] is None:
                    self.held.pop(change["key"], None)
                else:
                    self.held[change["key"]] = change["value"]
            url, self.changes = page["next"], page["changes"]
        return applied

    def whole(self) -> dict[int, Any]:
        """Return what a pull of the whole set gives now."""
        return Puller(self.client, self.name, limit=1000).held

    def _page(self, url: str) -> Any:
        response = self.client.get(url)
        assert response.status_code == 200, response.content
        return orjson.loads(response.content)


@contextmanager
def another_transaction() -> Iterator[Any]:
    """Run what is sent to it in a transaction of another connection, open until the end."""
    from queue import Queue

    asked: Queue[Any] = Queue()
    answered: Queue[Any] = Queue()

    def work() -> None:
        try:
            with transaction.atomic():
                while (act := asked.get()) is not None:
                    answered.put(act())
        finally:
            connection.close()

    def run(act: Any) -> Any:
        asked.put(act)
        return answered.get(timeout=60)

    thread = Thread(target=work)
    thread.start()
    try:
        yield run
    finally:
        asked.put(None)
        thread.join()


def mark(here: Eggs) -> Annotation:
    return make_annotation(here.solution, make_labeler(), ratings=[1, 0])


def test_nothing_is_new_when_nothing_happened(here: Eggs) -> None:
    client = client_of(here.manager)
    for name in KEYS:
        puller = Puller(client, name)
        assert puller.held
        assert puller.pull() == 0
        assert puller.held == puller.whole()


def test_work_that_began_earlier_and_commits_later_is_not_passed_over(here: Eggs) -> None:
    puller = Puller(client_of(here.manager), "annotations")
    with another_transaction() as run:
        early = run(lambda: mark(here))
        late = mark(here)
        assert late.pk > early.pk
        puller.pull(waits=False)
        assert early.pk not in puller.held
        inside = dict(puller.held)
    assert early.pk not in inside
    assert puller.pull() > 0
    assert {early.pk, late.pk} <= puller.held.keys()
    assert puller.held == puller.whole()


def test_a_set_that_is_read_while_work_is_under_way_misses_none_of_it(here: Eggs) -> None:
    with another_transaction() as run:
        early = run(lambda: mark(here))
        mark(here)
        puller = Puller(client_of(here.manager), "annotations")
        assert early.pk not in puller.held
        puller.pull(waits=False)
        assert early.pk not in puller.held
    puller.pull()
    assert early.pk in puller.held
    assert puller.held == puller.whole()


def test_a_transaction_that_is_rolled_back_leaves_nothing(here: Eggs) -> None:
    puller = Puller(client_of(here.manager), "annotations")
    with transaction.atomic():
        mark(here)
        transaction.set_rollback(True)
    assert puller.pull() == 0


def test_a_correction_tells_of_what_it_corrects(here: Eggs) -> None:
    puller = Puller(client_of(here.manager), "annotations")
    again = make_annotation(here.solution, here.of_ada.labeler, supersedes=here.of_ada)
    assert puller.pull() >= 2
    assert here.of_ada.pk not in puller.held
    assert again.pk in puller.held
    assert puller.held == puller.whole()
    again.delete()
    puller.pull()
    assert here.of_ada.pk in puller.held
    assert puller.held == puller.whole()


def test_deleted_and_altered_work_is_told_of_whatever_did_it(here: Eggs) -> None:
    puller = Puller(client_of(here.manager), "annotations")
    Annotation.objects.filter(pk=here.of_bob.pk).update(is_practice=True)
    assert puller.pull() == 1
    assert puller.held == puller.whole()
    StepLabel.objects.filter(annotation=here.of_ada, rating=-1).update(rating=0)
    assert puller.pull() == 1
    assert puller.held == puller.whole()
    Step.objects.filter(solution=here.solution, position=1).update(alternative=4)
    assert puller.pull() == 2
    assert puller.held == puller.whole()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM annotation_position WHERE annotation_id = %s", [here.of_ada.pk])
        cursor.execute(
            "DELETE FROM annotation_steplabel WHERE annotation_id = %s", [here.of_ada.pk]
        )
        cursor.execute("DELETE FROM annotation_annotation WHERE id = %s", [here.of_ada.pk])
    puller.pull()
    assert list(puller.held) == [here.of_bob.pk]
    here.solution.delete()
    puller.pull()
    assert puller.held == {}


def test_verdicts_that_change_and_go_are_told_of(here: Eggs) -> None:
    verdicts = Puller(client_of(here.manager), "verdicts")
    first = here.solution.steps.get(position=0)
    make_verdict(first, 1)
    assert verdicts.pull() == 1
    assert verdicts.held == verdicts.whole()
    assert len(verdicts.held) == 2
    # One transaction takes a verdict away and writes another one in its place.
    with transaction.atomic():
        Verdict.objects.filter(step=first).delete()
        make_verdict(first, 0)
    verdicts.pull()
    assert verdicts.held == verdicts.whole()
    assert verdicts.held[first.pk]["rating"] == 0
    consensus.update(project=here.project, solutions=[here.solution.pk])
    verdicts.pull()
    assert verdicts.held == verdicts.whole()
    Verdict.objects.all().delete()
    verdicts.pull()
    assert verdicts.held == {}


def test_many_changes_come_in_pages_and_each_key_once_a_page(here: Eggs) -> None:
    puller = Puller(client_of(here.manager), "annotations")
    made = [mark(here).pk for _ in range(7)]
    Annotation.objects.filter(pk__in=made).update(is_practice=True)
    client = puller.client
    page = orjson.loads(client.get(f"{puller.changes}&limit=1000").content)
    assert [change["key"] for change in page["results"]] == made
    assert page["next"] is None
    puller.changes += "&limit=3"
    assert puller.pull() >= 7
    assert puller.held == puller.whole()
    assert puller.pull() == 0


def test_labelers_are_told_of_their_own_work_alone(here: Eggs) -> None:
    puller = Puller(client_of(here.ada), "annotations")
    assert list(puller.held) == [here.of_ada.pk]
    mark(here)
    assert puller.pull() == 0
    own = make_annotation(here.solution, here.of_ada.labeler, supersedes=here.of_ada)
    puller.pull()
    assert list(puller.held) == [own.pk]
    assert client_of(here.ada).get(address("verdict_changes"), {"cursor": "x"}).status_code == 403


def test_a_cursor_of_other_rights_or_another_database_starts_over(here: Eggs) -> None:
    client = client_of(here.ada)
    puller = Puller(client, "annotations")
    here.project.memberships.filter(user=here.ada).update(role="reader")
    response = client.get(puller.changes)
    assert (response.status_code, response.json()["code"]) == (410, "start_over")
    puller = Puller(client, "annotations")
    assert puller.pull() == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text")
    manager = client_of(here.manager)
    of_verdicts = Puller(manager, "verdicts").changes.partition("cursor=")[2]
    for wrong in ("", "x", "bm9uZQ", of_verdicts):
        response = manager.get(address("annotation_changes"), {"cursor": wrong} if wrong else {})
        assert response.status_code == 400
        assert response.json()["errors"][0]["field"] == "cursor"


def test_a_cursor_of_what_never_happened_here_starts_over(here: Eggs) -> None:
    puller = Puller(client_of(here.manager), "annotations")
    # As after going back to an older copy of the database's files.
    MarkChange.objects.filter(pk=MarkChange.objects.latest("pk").pk).delete()
    MarkChange.objects.filter(kind="annotation").latest("pk").delete()
    assert puller.client.get(puller.changes).status_code == 410


def test_other_projects_leave_nothing_here(here: Eggs) -> None:
    puller = Puller(client_of(here.manager), "annotations")
    elsewhere = make_solution(make_problem(make_project("milk", members={make_user(): "manager"})))
    make_annotation(elsewhere, ratings=[1])
    assert puller.pull() == 0
    assert MarkChange.objects.filter(project=elsewhere.project).count() == 1


def test_a_poll_with_nothing_new_is_answered_304(here: Eggs) -> None:
    client = client_of(here.manager)
    puller = Puller(client, "annotations")
    tag = client.get(puller.changes)["ETag"]
    again = client.get(puller.changes, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert Labeler.objects.exists()
    mark(here)
    assert client.get(puller.changes, headers={"If-None-Match": tag}).status_code == 200
