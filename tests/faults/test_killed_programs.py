"""A worker killed while it delivers, or imports a file: nothing lost, nothing twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.place import Stepmark, kill_group, stepmark
from tests.web.receiver import receiving

pytestmark = pytest.mark.slow

PROBLEMS = 4_000
PARTS = PROBLEMS // 1_000
THIRD_PART = "(SELECT count(*) FROM annotation_runslice WHERE state = 'finished') = 2"
UPLOAD = f"""
import io, json
from annotation.models import Project
from annotation import run_kinds
from datasets_app.uploads import ImportRequest, receive
from web.models import User
lines = [json.dumps({{"text": f"What is {{n}} + 1?"}}) for n in range({PROBLEMS})]
body = "\\n".join(lines).encode()
receive(
    project=Project.objects.get(), user=User.objects.first(), file=io.BytesIO(body),
    name="a.jsonl", wanted=ImportRequest(kind="problems"), limit_bytes=10**9,
)
run_kinds.ring()
"""
TELL = """
from annotation import events, webhooks
from annotation.models import Project
from django.db import transaction
from web.models import User
project = Project.objects.get()
user = User.objects.first()
webhooks.make_webhook(project=project, url={url!r}, events=["snapshot.ready"], user=user)
project.refresh_from_db()
with transaction.atomic():
    events.publish(project, "snapshot.ready", [{{"snapshot": n}} for n in range(3)])
"""
SENT = "list(__import__('web.models').models.Delivery.objects.values_list('state', flat=True))"
LET_GO = (
    "from web.models import Delivery; from django.utils import timezone;"
    "Delivery.objects.exclude(leased_until=None).update(leased_until=timezone.now())"
)
UPLOADS = "__import__('datasets_app.models').models.Upload.objects"
IMPORTED = "list(Run.objects.values_list('state', 'done', 'failed'))"


@pytest.fixture
def place(migrated_home: Path) -> Iterator[Stepmark]:
    with stepmark({"STEPMARK_EGRESS_ALLOW": "127.0.0.0/8"}, made=migrated_home) as place:
        place.make_project("faults")
        place.manage_code("from web.models import User; User.objects.create_user('ada')")
        yield place


def test_an_event_on_its_way_from_a_killed_worker_is_sent_by_another(place: Stepmark) -> None:
    with receiving() as receiver:
        receiver.delay_s = 5.0
        worker = place.start_worker()
        place.start_clock()
        place.manage_code(TELL.format(url=receiver.url))
        assert receiver.came.wait(60)
        kill_group(worker)
        receiver.delay_s = 0.0
        assert place.query(SENT) == "['waiting', 'waiting', 'waiting']"
        place.manage_code(LET_GO)  # instead of waiting for the lease to end
        other = place.start_worker()
        place.wait_until(lambda: place.query(SENT) == str(["delivered"] * 3), what="the rest")
        kill_group(other)
    ids = [got.headers["Stepmark-Delivery"] for got in receiver.got]
    assert len(set(ids)) == 3
    assert ids.count(ids[0]) == 2, "the one that was on its way came again, under its id"


def test_a_file_is_imported_whole_by_workers_that_are_killed(place: Stepmark) -> None:
    place.hold("annotation_problem", THIRD_PART)
    worker = place.start_worker()
    place.start_clock()
    place.manage_code(UPLOAD)
    place.wait_until_held()
    kill_group(worker)
    assert place.query("Problem.objects.count()") == "2000"
    place.let_go()
    other = place.start_worker()
    place.wait_until(lambda: place.query(IMPORTED) == str([("finished", PARTS, 0)]), what="the end")
    assert place.query(f"list({UPLOADS}.values_list('read', 'added'))") == str(
        [(PROBLEMS, PROBLEMS)]
    )
    assert place.query("Problem.objects.count()") == str(PROBLEMS)
    kill_group(other)
