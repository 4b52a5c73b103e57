"""Workers that are killed while a labeler waits for candidates: nothing is lost or doubled."""

import json

import pytest

from tests.place import Stepmark, kill_group

pytestmark = pytest.mark.slow

CANDIDATES = 4
# Drawing one list takes twelve seconds: long enough to be killed in the midst of it.
WAITING = f"""
from annotation import leases, routing
from annotation.candidates import candidates_at
from annotation.drafts import Draft
from annotation.models import Problem, Project
from labelers.registration import labeler_of
from web.models import User
Project.objects.update(
    mode="explore",
    candidates={CANDIDATES},
    drawing={{
        "engine": "scripted",
        "engine_config": {{
            "delay_s": 3,
            "texts": ["One.", "Two.", "Three.", "Four.", "Five.", "Six.", "Seven."],
        }},
    }},
)
project = Project.objects.get()
routing.route(project=project)
labeler = labeler_of(User.objects.create_user("labeler"))
lease = leases.claim_next(labeler=labeler, project=project)
assert candidates_at(lease, Draft()).is_waiting
"""
LOOK = """
import json
from annotation.candidates import candidates_at
from annotation.drafts import Draft
from annotation.models import Lease
lease = Lease.objects.get()
shown = candidates_at(lease, Draft.from_json(lease.draft))
print(json.dumps([shown.is_waiting, shown.error, sorted(step.text for step in shown.steps)]))
"""
DRAW_AFRESH = """
from django.db import transaction
from annotation import run_kinds
from annotation.models import RunSlice, Solution, Step
Step.objects.all().delete()
Solution.objects.update(metadata={})
piece = RunSlice.objects.get(run__kind="candidates")
write = run_kinds.slice_work(piece.run)(piece)
with transaction.atomic():
    write()
"""
STEPS = "sorted(Step.objects.values_list('position', 'alternative', 'text'))"


@pytest.fixture
def place(place: Stepmark) -> Stepmark:
    place.make_project("faults", "A jar has 5 pens and 3 nibs. How many?")
    return place


def slice_state(place: Stepmark) -> str:
    return place.query("RunSlice.objects.get(run__kind='candidates').state")


def test_candidates_come_though_the_worker_that_drew_them_was_killed(place: Stepmark) -> None:
    place.start_clock()
    worker = place.start_worker()
    place.manage_code(WAITING)
    place.wait_until(lambda: slice_state(place) == "working", what="drawing")
    kill_group(worker)
    assert place.query(STEPS) == "[]"
    assert json.loads(place.manage_code(LOOK)) == [True, "", []]
    place.start_worker()
    place.wait_until(lambda: slice_state(place) == "finished", what="the end", seconds=120)
    assert (
        place.query("[(r.total, r.done, r.failed) for r in Run.objects.filter(kind='candidates')]")
        == "[(1, 1, 0)]"
    )
    assert int(place.query("RunSlice.objects.get(run__kind='candidates').attempt")) == 2
    is_waiting, error, texts = json.loads(place.manage_code(LOOK))
    assert (is_waiting, error) == (False, "")
    assert 1 <= len(texts) == len(set(texts)) <= CANDIDATES
    drawn = place.query(STEPS)

    # The same seeds again: what the killed worker would have written is what the other one did.
    place.manage_code(DRAW_AFRESH)
    assert place.query(STEPS) == drawn
