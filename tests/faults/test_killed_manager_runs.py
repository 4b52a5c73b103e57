"""Workers that are killed while they route or fill a clone: nothing is lost or doubled."""

import pytest

from tests.place import Stepmark, kill_group

pytestmark = pytest.mark.slow

SOLUTIONS = 40
# The third batch waits within its transaction until it may go on: that is when the worker dies.
THIRD_BATCH = "(SELECT count(*) FROM annotation_runslice WHERE state = 'finished') = 2"
SOLUTIONS_AND_STEPS = f"""
from annotation.models import Project
from tests.factories import make_problem, make_solution
problem = make_problem(Project.objects.get())
for number in range({SOLUTIONS}):
    make_solution(problem, [f"Step {{number}}.", "Then."])
"""
ROUTE = """
from annotation import routing, run_kinds
from annotation.models import Project
routing.UNITS_A_SLICE = 5
Project.objects.update(overlap=3)
routing.request(project=Project.objects.get())
run_kinds.ring()
"""
CLONE = """
from annotation import cloning, run_kinds
from annotation.models import Project
from tests.factories import make_user
cloning.ROWS_A_SLICE = 5
project = Project.objects.get()
cloning.clone(
    project=project, user=make_user(), slug="second", name="Second", with_content=True
)
run_kinds.ring()
"""
SLOTS = (
    "sorted({s.pk: s.assignments.count() for s in Solution.objects.all()}.values()),"
    " Assignment.objects.count()"
)
TEXTS = (
    "sorted(Step.objects.filter(solution__project__slug='{slug}').values_list("
    "'solution__problem__text', 'solution__text', 'position', 'alternative', 'text'))"
)


@pytest.fixture
def place(place: Stepmark) -> Stepmark:
    place.make_project("faults")
    place.manage_code(SOLUTIONS_AND_STEPS)
    return place


def killed_in_the_midst(place: Stepmark, request: str) -> None:
    """Have `request` worked on by a worker that is killed within a batch, then by another."""
    place.start_clock()
    worker = place.start_worker()
    place.manage_code(request)
    place.wait_until_held()
    kill_group(worker)
    place.let_go()
    assert place.query("Run.objects.get().state, Run.objects.get().done") == "running 2"
    place.start_worker()
    place.wait_until(lambda: place.query("Run.objects.get().state") == "finished", what="the end")
    assert place.query("Run.objects.get().done == Run.objects.get().total") == "True"
    assert int(place.query("RunSlice.objects.get(number=2).attempt")) == 2


def test_a_killed_worker_s_routing_is_finished_with_no_slot_too_many(place: Stepmark) -> None:
    place.hold("annotation_assignment", THIRD_BATCH)
    killed_in_the_midst(place, ROUTE)
    assert place.query(SLOTS) == f"{[3] * SOLUTIONS} {3 * SOLUTIONS}"
    assert int(place.query("Run.objects.get().grown")) == 3 * SOLUTIONS


def test_a_killed_worker_s_clone_is_filled_with_no_row_twice(place: Stepmark) -> None:
    place.hold("annotation_step", THIRD_BATCH)
    killed_in_the_midst(place, CLONE)
    assert place.query(TEXTS.format(slug="second")) == place.query(TEXTS.format(slug="faults"))
    assert int(place.query("Problem.objects.count()")) == 2
    assert int(place.query("Solution.objects.count()")) == 2 * SOLUTIONS
