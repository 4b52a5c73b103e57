"""Labelling runs that are planned a part at a time, of any size."""

from collections.abc import Sequence

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from annotation import labelling, labelling_plans, run_control, run_progress, runs
from annotation.models import Assignment, Project, Run, RunSlice
from labelers.judges import JUDGES
from labelers.judges.arithmetic import ArithmeticJudge
from labelers.models import Labeler
from labelers.registration import register_model
from tests.annotation.routed import catch_up, set_policy, slots_of
from tests.factories import make_problem, make_project, make_solution

pytestmark = pytest.mark.django_db


class InThrees(ArithmeticJudge):
    name = "in threes"
    batch_size = 3


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelling_plans, "PLANNED_AT_ONCE", 4)
    monkeypatch.setitem(JUDGES, "in threes", InThrees)


@pytest.fixture
def labeler() -> Labeler:
    return register_model(name="in threes", judge="in threes")


def filled(*texts_of_problems: Sequence[str]) -> Project:
    project = make_project()
    for texts in texts_of_problems:
        problem = make_problem(project)
        for text in texts:
            make_solution(problem, [text])
    return project


def many(n: int) -> Project:
    return filled(*[[f"{problem} and {number}." for number in range(2)] for problem in range(n)])


def do_next(run: Run) -> RunSlice:
    piece = runs.claim(run.pk)
    assert piece is not None
    assert runs.work(piece, labelling.judge_slice)
    run.refresh_from_db()
    return piece


def do_all(run: Run) -> Run:
    while run.slices.waiting().exists():
        do_next(run)
        assert run.total >= run.done
    return run


def batches(run: Run) -> list[list[str]]:
    """Return the texts that the Run judged together, in their order."""
    found = []
    for piece in run.slices.order_by("number"):
        if labelling_plans.plan_in(piece) is None:
            texts = dict(
                Assignment.objects.filter(pk__in=piece.payload).values_list("pk", "solution__text")
            )
            found.append([texts[pk] for pk in piece.payload])
    return found


def test_a_part_is_planned_at_once_and_the_rest_while_the_run_goes_on(labeler: Labeler) -> None:
    project = many(6)
    run = labelling.request(project=project, labeler=labeler)
    assert project.assignments.count() == 4
    assert (run.total, run.left) == (12, 12), "known from the beginning"
    while run.slices.waiting().exists():
        do_next(run)
        assert run.total == 12
    assert (run.state, run.done, run.failed) == ("finished", 12, 0)
    marked = project.annotations.values_list("solution", flat=True)
    assert sorted(marked) == sorted(project.solutions.values_list("pk", flat=True))


def test_what_is_planned_at_once_does_not_grow_with_the_solutions(labeler: Labeler) -> None:
    counts = []
    for n in (6, 60):
        project = many(n)
        with CaptureQueriesContext(connection) as asked:
            run = labelling.request(project=project, labeler=labeler)
        counts.append((len(asked), run.slices.count(), project.assignments.count()))
    assert counts[0] == counts[1]


def test_what_is_not_counted_at_once_is_counted_by_a_worker(
    labeler: Labeler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelling_plans, "COUNTED_AT_ONCE", 3)
    run = labelling.request(project=many(6), labeler=labeler)
    assert run.total == 4 + 3, "at least"
    while run.total != 12:
        do_next(run)
    assert run.done < 12
    assert (do_all(run).state, run.done, run.total) == ("finished", 12, 12)


def test_to_ask_again_while_a_run_is_planned_adds_nothing(labeler: Labeler) -> None:
    project = many(6)
    run = labelling.request(project=project, labeler=labeler)
    slices = run.slices.count()
    again = labelling.request(project=project, labeler=labeler)
    assert (again.pk, again.total, again.slices.count()) == (run.pk, 12, slices)
    assert do_all(again).done == 12
    assert project.annotations.count() == 12


def test_what_comes_for_a_problem_that_was_planned_is_marked_too(labeler: Labeler) -> None:
    project = many(6)
    run = labelling.request(project=project, labeler=labeler)
    for _ in range(4):
        do_next(run)
    make_solution(project.problems.earliest("pk"), ["Late."])
    make_solution(make_problem(project), ["Later."])
    labelling.request(project=project, labeler=labeler)
    assert do_all(run).state == "finished"
    assert (run.done, run.total, project.annotations.count()) == (14, 14, 14)


def test_a_stopped_run_plans_no_more_until_it_is_resumed(labeler: Labeler) -> None:
    project = many(6)
    run = labelling.request(project=project, labeler=labeler)
    while (piece := runs.claim(run.pk)) is not None and labelling_plans.plan_in(piece) is None:
        runs.work(piece, labelling.judge_slice)
    assert piece is not None
    run_control.pause(run)
    assert not runs.work(piece, labelling.judge_slice)
    run.refresh_from_db()
    assert (run.state, run.total) == ("paused", 12)
    assert runs.claim(run.pk) is None
    run_control.cancel(run)
    assert project.assignments.count() == 4
    run_control.resume(run)
    run.refresh_from_db()
    assert (do_all(run).state, run.done) == ("finished", 12)


def test_a_part_that_could_not_be_planned_is_planned_when_the_run_tries_again(
    labeler: Labeler,
) -> None:
    project = many(6)
    run = labelling.request(project=project, labeler=labeler)
    run.slices.plans().update(attempt=runs.MAX_ATTEMPTS)
    do_all(run)
    assert (run.failed, project.annotations.count()) == (1, 4)
    assert not run_progress.failed(run).exists(), "it is no solution"
    run_control.retry_failed(run)
    run.refresh_from_db()
    assert (run.total, run.failed) == (12, 0)
    assert (do_all(run).state, run.done, run.total) == ("finished", 12, 12)


def test_a_stopped_run_plans_again_what_could_not_be_planned(labeler: Labeler) -> None:
    project = many(6)
    run = labelling.request(project=project, labeler=labeler)
    run.slices.plans().update(attempt=runs.MAX_ATTEMPTS)
    piece = runs.claim(run.pk, slice_id=run.slices.plans().get().pk)
    assert piece is not None
    assert runs.work(piece, labelling.judge_slice)
    run.refresh_from_db()
    assert (run.total, run.left) == (5, 4)
    run_control.pause(run)
    run_control.retry_failed(run)
    for _ in range(20):
        if again := runs.claim(run.pk):
            runs.work(again, labelling.judge_slice)
    run.refresh_from_db()
    assert (run.state, run.done, run.left) == ("paused", 8, 4)


def test_the_route_asks_again_for_what_could_not_be_planned(labeler: Labeler) -> None:
    project = many(6)
    set_policy(project, {"first": [labeler.name], "people": [{"how_many": 1}]})
    catch_up(project)
    run = project.runs.get(kind=Run.Kind.LABELLING)
    run.slices.plans().update(attempt=runs.MAX_ATTEMPTS)
    assert do_all(run).state == "finished"
    catch_up(project)
    assert do_all(run).done == 12


def test_a_problem_that_fits_into_a_batch_is_judged_in_one(
    labeler: Labeler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelling_plans, "PLANNED_AT_ONCE", 100)
    run = labelling.request(project=filled(["a1", "a2"], ["b1", "b2"], ["c1"]), labeler=labeler)
    assert batches(do_all(run)) == [["a1", "a2"], ["b1", "b2", "c1"]]


def test_solutions_that_begin_alike_are_judged_together(labeler: Labeler) -> None:
    beginnings = ["One. A.", "Two. A.", "One. B.", "Two. B.", "One. C.", "Two. C."]
    run = labelling.request(project=filled(beginnings[:4]), labeler=labeler)
    assert batches(do_all(run)) == [["One. A.", "One. B.", "Two. A."], ["Two. B."]]


def test_the_plan_goes_on_within_a_problem_that_is_larger_than_a_part(labeler: Labeler) -> None:
    run = labelling.request(project=filled([f"{n:02}" for n in range(11)]), labeler=labeler)
    assert do_all(run).done == 11
    assert [batch[0] for batch in batches(run)] == ["00", "03", "04", "07", "08"]


def test_solutions_that_people_build_are_not_marked(labeler: Labeler) -> None:
    project = many(1)
    project.solutions.filter(text__endswith="0.").update(built=True)
    assert do_all(labelling.request(project=project, labeler=labeler)).done == 1


def test_no_solution_waits_for_a_run_that_was_stopped_before_it_was_planned(
    labeler: Labeler,
) -> None:
    project = many(6)
    set_policy(project, {"first": [labeler.name], "people": [{"how_many": 1}]})
    catch_up(project)
    run = project.runs.get(kind=Run.Kind.LABELLING)
    assert project.assignments.count() == 4
    run_control.cancel(run)
    catch_up(project)
    assert len(slots_of(project)) == 12


@pytest.mark.django_db(transaction=True)
def test_who_plans_on_waits_for_whoever_asks_for_more(labeler: Labeler) -> None:
    """Both lock the Run: what was there when somebody asked is planned by one of them."""
    project = many(6)
    run = labelling.request(project=project, labeler=labeler)
    piece = run.slices.plans().get()
    write = labelling.judge_slice(piece)
    make_solution(project.problems.earliest("pk"), ["Late."])
    with CaptureQueriesContext(connection) as planning, transaction.atomic():
        write()
    statements = [one["sql"] for one in planning if "SAVEPOINT" not in one["sql"]]
    locked = next(n for n, sql in enumerate(statements) if sql.endswith("FOR UPDATE"))
    read = next(n for n, sql in enumerate(statements) if "LATERAL" in sql)
    assert locked < read
