"""Slots for people: made up to the overlap, in the project's order, withdrawn when too many."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from annotation import ending, leases, routing
from annotation.models import Assignment, Project, Solution
from labelers.registration import labeler_of
from tests.annotation.locks import wait_for_a_lock
from tests.factories import make_problem, make_project, make_solution, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    project = make_project("eggs", overlap=2)
    problem = make_problem(project)
    for number in range(3):
        make_solution(problem, [f"Step {number}."])
    return project


def open_slots(project: Project) -> int:
    return project.assignments.open().for_people().count()


def set_overlap(project: Project, overlap: int) -> int:
    project.overlap = overlap
    project.save(update_fields=["overlap"])
    return routing.route(project=project)


def order_of(project: Project) -> list[int]:
    slots = project.assignments.open().order_by("-priority", "pk")
    return list(dict.fromkeys(slots.values_list("solution", flat=True)))


def test_every_solution_gets_as_many_slots_as_the_overlap(project: Project) -> None:
    assert routing.route(project=project) == 6
    assert routing.route(project=project) == 0
    make_solution(project.problems.get(), ["A new one."])
    assert routing.route(project=project) == 2
    reasons = set(project.assignments.values_list("reason", flat=True))
    assert reasons == {routing.BY_HAND}


def test_solutions_that_labelers_build_are_not_routed(project: Project) -> None:
    make_solution(project.problems.get(), ["Built."], built=True)
    assert routing.route(project=project) == 6


def test_a_larger_overlap_adds_slots_and_a_smaller_one_withdraws_open_ones(
    project: Project,
) -> None:
    routing.route(project=project)
    assert set_overlap(project, 3) == 3
    assert set_overlap(project, 1) == -6
    assert open_slots(project) == 3
    assert project.assignments.filter(state=Assignment.State.WITHDRAWN).count() == 6


def test_what_people_hold_is_not_withdrawn_but_not_opened_again_either(project: Project) -> None:
    routing.route(project=project)
    held = [leases.claim_next(labeler=labeler_of(make_user()), project=project) for _ in range(2)]
    set_overlap(project, 1)
    assert project.assignments.filter(state=Assignment.State.LEASED).count() == 2
    for lease in held:
        assert lease is not None
        ending.release(lease)
    assert open_slots(project) == 3


def test_the_most_convincing_wrong_answers_come_first(project: Project) -> None:
    right, wrong, convincing = project.solutions.order_by("pk")
    for solution, is_correct, score in [
        (right, True, 0.9), (wrong, False, 0.1), (convincing, False, 0.8)
    ]:  # fmt: skip
        Solution.objects.filter(pk=solution.pk).update(is_correct=is_correct, verifier_score=score)
    project.queue_order = Project.Order.CONVINCING
    project.save()
    routing.route(project=project)
    assert order_of(project) == [convincing.pk, wrong.pk, right.pk]


def test_another_order_moves_open_slots_but_not_those_a_manager_put_first(
    project: Project,
) -> None:
    routing.route(project=project)
    first, second, third = project.solutions.order_by("pk")
    Solution.objects.filter(pk=second.pk).update(is_correct=False)
    chosen = Solution.objects.filter(pk=third.pk)
    routing.prioritise(project=project, solutions=chosen, priority=routing.FIRST)
    project.queue_order = Project.Order.CONVINCING
    project.save()
    assert routing.route(project=project) == 0
    assert order_of(project) == [third.pk, second.pk, first.pk]
    routing.prioritise(project=project, solutions=chosen, priority=None)
    assert order_of(project) == [second.pk, first.pk, third.pk]


def test_a_random_order_is_the_same_each_time(project: Project) -> None:
    project.queue_order = Project.Order.RANDOM
    project.save()
    routing.route(project=project)
    before = order_of(project)
    assert routing.route(project=project) == 0
    assert order_of(project) == before
    assert set(project.assignments.values_list("priority", flat=True)) != {0.0}


def test_explore_mode_makes_a_solution_to_build_for_every_slot() -> None:
    project = make_project(mode=Project.Mode.EXPLORE, overlap=2)
    make_problem(project)
    make_problem(project)
    assert routing.route(project=project) == 4
    assert project.solutions.filter(built=True, text="").count() == 4
    assert routing.route(project=project) == 0
    assert set_overlap(project, 1) == -2


def test_the_command_routes_and_says_how_much(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("route", "--project", "eggs")
    assert capsys.readouterr().out == "6 slots made, 6 open\n"
    with pytest.raises(CommandError, match="no project has the slug 'eggz'"):
        call_command("route", "--project", "eggz")


@pytest.mark.django_db(transaction=True)
def test_a_slot_claimed_in_the_midst_of_a_smaller_overlap_leaves_no_other_too_many() -> None:
    project = make_project(overlap=2)
    solution = make_solution(make_problem(project))
    routing.route(project=project)
    last = solution.assignments.latest("pk")
    Assignment.objects.filter(pk=last.pk).update(priority=1.0)
    with ThreadPoolExecutor() as managers:
        with transaction.atomic():
            lease = leases.claim_next(labeler=labeler_of(make_user()), project=project)
            resized = managers.submit(set_overlap_and_close, project)
            wait_for_a_lock()
        assert resized.result() == -1
    assert lease is not None
    assert [slot.pk for slot in solution.assignments.counted()] == [lease.assignment_id]


def set_overlap_and_close(project: Project) -> int:
    try:
        return set_overlap(project, 1)
    finally:
        connection.close()
