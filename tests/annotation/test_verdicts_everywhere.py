"""Verdicts follow marks in every project, whether it has a policy or not."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from annotation import changes, leases, looking_again, route, routing, runs
from annotation.drafts import Choice
from annotation.handing_in import hand_in
from annotation.models import Assignment, Project, Reconsideration, Run, Solution, Verdict
from annotation.practice_choice import choose_for_practice
from annotation.submission import Submission, submit
from labelers.trace import StepJudgement
from tests.annotation.exploring import claim, draft_of, make_exploring, step_on
from tests.annotation.routed import claimed, make_routed, marked, set_policy, verdicts_of
from tests.datasets_app.loaded import load_json
from tests.datasets_app.prm800k_json import phase_2
from tests.factories import (
    make_assignment,
    make_labeler,
    make_problem,
    make_project,
    make_solution,
    make_user,
)
from tests.shared_data import shared_file

pytestmark = pytest.mark.django_db
STEPS = ["Step one.", "And on.", "# Answer\n\n18"]


def sweep() -> int:
    """Do what the beat and the workers do every ten seconds."""
    for run in Run.objects.unfinished().filter(kind=Run.Kind.ROUTING):
        runs.work_here(run, looking_again.route_slice)
    return route.catch_up_everywhere()


def to_people(n: int = 1, overlap: int = 1) -> Project:
    """Make a project without a policy that gives its solutions to people."""
    project = make_project(overlap=overlap)
    problem = make_problem(project)
    for number in range(n):
        make_solution(problem, [f"Solution {number}.", *STEPS[1:]])
    routing.route(project=project)
    return project


def test_people_decide_by_majority_without_a_policy() -> None:
    project = to_people(overlap=3)
    (solution,) = project.solutions.all()
    marked(claimed(project), 1)
    sweep()
    assert verdicts_of(solution) == []
    marked(claimed(project), 1)
    assert sweep() == 1
    assert verdicts_of(solution) == [(1, 1.0, "people agree"), (-1, 0.0, "people agree")]
    assert not Reconsideration.objects.exists()
    assert project.assignments.count() == 3


def test_a_correction_replaces_the_verdict() -> None:
    project = to_people()
    (solution,) = project.solutions.all()
    annotation = marked(claimed(project), 1)
    sweep()
    marked(leases.correct(annotation), -1)
    sweep()
    assert [rating for rating, _, _ in verdicts_of(solution)] == [1, 1, 1]


def test_verdicts_go_on_after_the_policy_was_taken_away() -> None:
    project = make_routed({"people": [{"how_many": 1}]}, n=1)
    sweep()
    marked(claimed(project), 1)
    set_policy(project, None)
    sweep()
    (solution,) = project.solutions.all()
    assert [rating for rating, _, _ in verdicts_of(solution)] == [1, -1]
    project.overlap = 2
    project.save()
    routing.route(project=project)
    marked(claimed(project), 2)
    sweep()
    assert verdicts_of(solution) == []


def test_another_overlap_asks_for_another_majority() -> None:
    project = to_people()
    (solution,) = project.solutions.all()
    marked(claimed(project), 1)
    sweep()
    assert verdicts_of(solution) != []
    seen = changes.settings_of(project)
    changes.change_settings(
        project=project, seen=seen, wanted={"overlap": 2}, user=make_user("mori")
    )
    sweep()
    assert verdicts_of(solution) == []


def test_what_newcomers_practise_on_counts_no_more() -> None:
    project = to_people()
    (solution,) = project.solutions.all()
    annotation = marked(claimed(project), 1)
    sweep()
    choose_for_practice(annotation=annotation, chosen=True)
    sweep()
    assert verdicts_of(solution) == []


def test_whoever_builds_a_solution_decides_alone() -> None:
    problem = make_exploring(STEPS, overlap=3)
    lease = claim(problem.project)
    for _ in STEPS:
        step_on(lease)
    hand_in(lease, draft_of(lease))
    sweep()
    assert [rating for rating, _, _ in verdicts_of(lease.solution)] == [1] * len(STEPS)


def test_a_step_that_was_written_leaves_a_built_solution_undecided() -> None:
    problem = make_exploring(STEPS)
    lease = claim(problem.project)
    step_on(lease, lambda step: -1, Choice(human="# Answer\n\n18"))
    hand_in(lease, draft_of(lease))
    sweep()
    assert verdicts_of(lease.solution) == []


def test_what_models_say_without_a_policy_is_not_looked_at() -> None:
    project = to_people()
    (solution,) = project.solutions.all()
    prm = make_labeler("prm")
    slot = make_assignment(solution, labeler=prm)
    work = Submission(assignment_id=slot.pk, marks=[StepJudgement(rating=-1)])
    submit(labeler=prm, submissions=[work])
    assert not Reconsideration.objects.exists()


def test_an_archived_project_gives_out_nothing_and_goes_on_where_it_is_restored() -> None:
    project = make_routed({"people": [{"how_many": 2}]}, n=1)
    sweep()
    first, second = claimed(project), claimed(project)
    changes.archive(project)
    marked(first, 1)
    marked(second, 2)
    sweep()
    assert not project.assignments.open().exists()
    changes.restore(project)
    sweep()
    assert Assignment.objects.open().for_review().count() == 1


def test_verdicts_follow_what_is_handed_in_after_a_project_was_archived() -> None:
    project = to_people()
    held = claimed(project)
    changes.archive(project)
    marked(held, 1)
    sweep()
    (solution,) = project.solutions.all()
    assert [rating for rating, _, _ in verdicts_of(solution)] == [1, -1]


def test_imported_marks_of_people_have_verdicts() -> None:
    load_json([phase_2()])
    assert sweep() == 1
    (solution,) = Solution.objects.all()
    assert verdicts_of(solution) == [(0, 1.0, "people agree"), (-1, 0.0, "people agree")]


def test_imported_marks_again_leave_nothing_to_look_at() -> None:
    load_json([phase_2()])
    sweep()
    load_json([phase_2()])
    assert not Reconsideration.objects.exists()


def test_real_records_have_verdicts_up_to_the_error_that_their_labeler_found() -> None:
    lines = shared_file("prm800k.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    load_json(records)
    sweep()
    kept = [one for one in records if not one["is_quality_control_question"]]
    kept = [one for one in kept if not one["is_initial_screening_question"]]
    found = [one for one in kept if one["label"]["finish_reason"] == "found_error"]
    assert Verdict.objects.filter(rating=-1).values("solution").distinct().count() > 0
    assert Verdict.objects.filter(rating=-1).count() <= len(found)
    assert set(Verdict.objects.values_list("rule", flat=True)) == {"people agree"}


def test_a_project_with_much_to_do_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "AT_ONCE", 1)
    clock = iter(range(10_000))
    monkeypatch.setattr(route, "monotonic", lambda: next(clock))
    large, small = to_people(20), to_people(1)
    for _ in range(20):
        marked(claimed(large), 1)
    marked(claimed(small), 1)
    route.catch_up_everywhere(seconds=12)
    assert not Reconsideration.objects.filter(project=small).exists()
    assert Reconsideration.objects.filter(project=large).exists()


@pytest.mark.django_db(transaction=True)
def test_a_sweep_waits_for_no_import() -> None:
    busy, free = to_people(), to_people()
    for project in (busy, free):
        marked(claimed(project), 1)
    with ThreadPoolExecutor() as workers, transaction.atomic():
        Project.objects.lock(busy.pk)
        assert workers.submit(sweep_and_close).result() == 1
    assert set(Reconsideration.objects.values_list("project", flat=True)) == {busy.pk}
    assert sweep() == 1


def sweep_and_close() -> int:
    try:
        return sweep()
    finally:
        connection.close()
