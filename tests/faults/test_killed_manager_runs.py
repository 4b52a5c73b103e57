"""Workers that are killed while they route or fill a clone: nothing is lost or doubled."""

from collections.abc import Iterator

import pytest

from tests.place import Stepmark, kill_group, stepmark

pytestmark = pytest.mark.slow

SOLUTIONS = 40
# Every batch takes so long, within its transaction, that a kill comes in the midst of one.
SLOW = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute('''
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(2); RETURN NULL; END $$;
        CREATE TRIGGER slow AFTER INSERT ON annotation_{table}
        FOR EACH STATEMENT EXECUTE FUNCTION slow();
    ''')
"""
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
def place() -> Iterator[Stepmark]:
    with stepmark() as place:
        place.make_project("faults")
        place.manage_code(SOLUTIONS_AND_STEPS)
        yield place


def killed_in_the_midst(place: Stepmark, request: str, *, written: str) -> None:
    """Have `request` worked on by a worker that is killed within a batch, then by another."""
    place.start_clock()
    worker = place.start_worker()
    place.manage_code(request)
    place.wait_until(lambda: int(place.query("Run.objects.get().done")) > 0, what="progress")
    kill_group(worker)
    in_work = int(place.query("RunSlice.objects.filter(state='working').count()"))
    assert in_work > 0, "the kill came between two batches"
    left = place.query("Run.objects.get().state, Run.objects.get().done")
    assert left.startswith("('running', "), left
    assert int(place.query(written)) > 0
    place.start_worker()
    place.wait_until(lambda: "finished" in place.query("Run.objects.get().state"), what="the end")
    assert place.query("Run.objects.get().done == Run.objects.get().total") == "True"
    assert int(place.query("max(RunSlice.objects.values_list('attempt', flat=True))")) == 2


def test_a_killed_worker_s_routing_is_finished_with_no_slot_too_many(place: Stepmark) -> None:
    place.manage_code(SLOW.format(table="assignment"))
    killed_in_the_midst(place, ROUTE, written="Assignment.objects.count()")
    assert place.query(SLOTS) == f"{[3] * SOLUTIONS} {3 * SOLUTIONS}"
    assert int(place.query("Run.objects.get().grown")) == 3 * SOLUTIONS


def test_a_killed_worker_s_clone_is_filled_with_no_row_twice(place: Stepmark) -> None:
    place.manage_code(SLOW.format(table="step"))
    killed_in_the_midst(
        place, CLONE, written="Solution.objects.filter(project__slug='second').count()"
    )
    assert place.query(TEXTS.format(slug="second")) == place.query(TEXTS.format(slug="faults"))
    assert int(place.query("Problem.objects.count()")) == 2
    assert int(place.query("Solution.objects.count()")) == 2 * SOLUTIONS
