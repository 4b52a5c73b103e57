"""Looking at every solution of a project again: in a Run, and no project before the others."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation import changes, looking_again, route, routing, run_control, run_kinds, runs
from annotation.models import Project, Reconsideration, Run
from tests.annotation.routed import catch_up, look_again, make_routed, set_policy, slots_of
from tests.factories import make_annotation, make_problem, make_project, make_solution, make_user

pytestmark = pytest.mark.django_db
TO_PEOPLE = {"people": [{"how_many": 1}]}


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "UNITS_A_SLICE", 2)


@pytest.fixture
def project() -> Project:
    project = make_routed(TO_PEOPLE, n=5)
    catch_up(project)
    return project


def do(run: Run, work: runs.SliceWork = routing.route_slice) -> None:
    piece = runs.claim(run.pk)
    assert piece is not None
    assert runs.work(piece, work)
    run.refresh_from_db()


def waiting(project: Project) -> list[int]:
    rows = Reconsideration.objects.filter(project=project).order_by("solution")
    return list(rows.values_list("solution", flat=True))


def test_to_ask_writes_nothing_about_solutions(project: Project) -> None:
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as asked:
            route.look_again(project)
        assert waiting(project) == []
        counts.append(len(asked))
        for number in range(20):
            make_solution(make_problem(project), [f"Step {number}."])
        Run.objects.all().delete()
    assert counts[0] == counts[1]


def test_each_slice_has_its_own_solutions_looked_at(project: Project) -> None:
    run = route.look_again(project)
    solutions = list(project.solutions.order_by("pk").values_list("pk", flat=True))
    assert (run.kind, run.total) == (Run.Kind.ROUTING, 3)
    do(run)
    assert waiting(project) == solutions[:2]
    do(run)
    do(run)
    assert waiting(project) == solutions
    assert (run.state, run.done) == ("finished", 3)


def test_a_solution_that_waits_already_is_not_asked_for_again(project: Project) -> None:
    Reconsideration.objects.ask_for(project, [project.solutions.earliest("pk").pk])
    look_again(project)
    look_again(project)
    assert len(waiting(project)) == 5


def test_who_asks_again_while_it_goes_on_begins_the_same_run_anew(project: Project) -> None:
    run = route.look_again(project)
    do(run)
    again = route.look_again(project)
    assert (again.pk, again.done, again.total) == (run.pk, 0, 3)


def test_a_worker_routes_what_the_slices_before_have_left(project: Project) -> None:
    run = route.look_again(project)
    left = []
    while run.is_unfinished:
        do(run, looking_again.route_slice)
        left.append(len(waiting(project)))
    assert left == [2, 2, 1]
    assert route.catch_up_everywhere() == 1


def test_who_asks_on_a_page_does_not_wait_until_solutions_are_routed(project: Project) -> None:
    Reconsideration.objects.ask_for(project, [project.solutions.earliest("pk").pk])
    run = route.look_again(project)
    run_kinds.begin(run)
    run.refresh_from_db()
    assert (run.state, run.done) == ("queued", 0)
    assert len(waiting(project)) == 1


def test_it_is_stopped_and_resumed(project: Project) -> None:
    run = route.look_again(project)
    do(run)
    run_control.cancel(run)
    assert runs.claim(run.pk) is None
    run_control.resume(run)
    run.refresh_from_db()
    while run.is_unfinished:
        do(run)
    assert len(waiting(project)) == 5


def test_solutions_that_people_build_are_left_alone(project: Project) -> None:
    project.solutions.filter(pk=project.solutions.earliest("pk").pk).update(built=True)
    look_again(project)
    assert len(waiting(project)) == 4


def test_who_takes_a_policy_away_has_the_verdicts_looked_at_too(project: Project) -> None:
    make_annotation(project.solutions.earliest("pk"))
    set_policy(project, None)
    assert waiting(project) == [project.solutions.earliest("pk").pk], "nobody marked the others"
    catch_up(project)
    runs.work_here(routing.request(project=project), routing.route_slice)
    assert waiting(project) == [], "to route a project without a policy is no news of its solutions"


def test_another_overlap_has_marked_solutions_looked_at_and_gives_out_nothing() -> None:
    project = make_project()
    marked, _ = (make_solution(make_problem(project), ["One."]) for _ in range(2))
    make_annotation(marked)
    run = changes.change_settings(
        project=project,
        seen=changes.settings_of(project),
        wanted={"overlap": 3},
        user=make_user(),
    )
    assert run is not None
    runs.work_here(run, routing.route_slice)
    assert waiting(project) == [marked.pk]
    assert not project.assignments.exists()


def test_what_gives_out_slots_still_does_when_it_is_asked_to_look_again() -> None:
    project = make_project()
    make_solution(make_problem(project), ["One."])
    run = routing.request(project=project)
    assert route.look_again(project).pk == run.pk
    run.refresh_from_db()
    runs.work_here(run, routing.route_slice)
    assert project.assignments.count() == 1
    later = route.look_again(project)
    make_solution(make_problem(project), ["Two."])
    runs.work_here(later, routing.route_slice)
    assert project.assignments.count() == 1, "to look again gives out nothing by itself"


class Clock:
    """A clock that goes on only as somebody works."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], list[tuple[str, float]]]:
    """Return what asks for a sweep in which every project takes all the time that it is given, but
    `slug` "small", which takes none; and says which got how much."""
    clock, given = Clock(), list[tuple[str, float]]()

    def takes_all(*, project: Project, seconds: float, waits: bool) -> int:
        given.append((project.slug, seconds))
        if project.slug == "small":
            Reconsideration.objects.filter(project=project).delete()
        else:
            clock.now += seconds + 0.001  # no clock stands still
        return 1

    monkeypatch.setattr(route, "monotonic", clock)
    monkeypatch.setattr(route, "catch_up", takes_all)

    def sweep(seconds: float) -> list[tuple[str, float]]:
        given.clear()
        route.catch_up_everywhere(seconds=seconds)
        return given

    return sweep


def test_no_project_takes_the_time_of_others(
    spent: Callable[[float], list[tuple[str, float]]],
) -> None:
    for slug in ("aaa", "bbb", "ccc", "ddd"):
        make_routed(TO_PEOPLE, slug=slug)
    assert {slug: round(seconds) for slug, seconds in spent(8.0)} == dict.fromkeys(
        ("aaa", "bbb", "ccc", "ddd"), 2
    )


def test_the_time_that_a_project_does_not_need_is_the_others(
    spent: Callable[[float], list[tuple[str, float]]],
) -> None:
    make_routed(TO_PEOPLE, slug="small")
    make_routed(TO_PEOPLE, slug="large")
    total = sum(seconds for slug, seconds in spent(8.0) if slug == "large")
    assert round(total) == 8


def test_a_project_that_breaks_is_asked_once_a_sweep(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, whole = make_routed(TO_PEOPLE, slug="broken"), make_routed(TO_PEOPLE)
    Project.objects.filter(pk=broken.pk).update(routing={"people": "nobody"})
    route.catch_up_everywhere()
    assert caplog.text.count("the solutions of broken could not be routed") == 1
    assert len(slots_of(whole)) == 3


def test_nothing_waits_where_there_is_no_policy() -> None:
    project = make_project()
    make_solution(make_problem(project), ["One."])
    routing.route(project=project)
    assert waiting(project) == []
