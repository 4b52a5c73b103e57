"""Who holds which slot: claims, holds, skips, expiry, late work, corrections."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from annotation import drafts, ending, leases, routing
from annotation.drafts import Draft, Mark
from annotation.handing_in import hand_in
from annotation.models import Annotation, Lease, Project, Solution
from annotation.models.work import NotOpen
from annotation.waiting import waiting_for
from labelers.models import Labeler
from labelers.registration import labeler_of
from tests.annotation.locks import wait_for_a_lock
from tests.factories import (
    make_annotation,
    make_problem,
    make_project,
    make_solution,
    make_user,
)

pytestmark = pytest.mark.django_db


def someone() -> Labeler:
    return labeler_of(make_user())


def make_queue(solutions: int = 3, **fields: Any) -> Project:
    """Make a project with `solutions` of one step each, all routed to people."""
    project = make_project(**fields)
    problem = make_problem(project)
    for number in range(solutions):
        make_solution(problem, [f"Step of solution {number}."])
    routing.route(project=project)
    return project


def claim(labeler: Labeler, project: Project, **how: Any) -> Lease:
    lease = leases.claim_next(labeler=labeler, project=project, **how)
    assert lease is not None
    return lease


def submit(lease: Lease) -> Annotation:
    """Hand in all Great; what was to be built is given up."""
    explores = lease.project.mode == Project.Mode.EXPLORE
    return hand_in(lease, Draft(end=drafts.GIVE_UP) if explores else great(lease)).annotation


def run_out(lease: Lease) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Lease.objects.filter(pk=lease.pk).update(until=past)


def solutions_of(leases_: Sequence[Lease]) -> list[int]:
    return [lease.solution_id for lease in leases_]


def test_slots_are_given_out_by_priority_then_age() -> None:
    project = make_queue(3)
    first, second, third = project.solutions.order_by("pk")
    third_only = Solution.objects.filter(pk=third.pk)
    routing.prioritise(project=project, solutions=third_only, priority=routing.FIRST)
    labeler = someone()
    claimed = [claim(labeler, project, at_once=n) for n in (1, 2, 3)]
    assert solutions_of(claimed) == [third.pk, first.pk, second.pk]
    assert leases.claim_next(labeler=labeler, project=project, at_once=4) is None


def test_whoever_holds_a_slot_gets_it_again() -> None:
    project = make_queue(2)
    labeler = someone()
    assert claim(labeler, project) == claim(labeler, project)
    assert Lease.objects.count() == 1


def test_no_solution_is_given_twice_to_one_labeler() -> None:
    project = make_queue(2, overlap=3)
    labeler = someone()
    for _ in range(2):
        submit(claim(labeler, project))
    assert leases.claim_next(labeler=labeler, project=project) is None
    assert project.assignments.open().count() == 4


def test_the_overlap_is_a_number_of_different_people() -> None:
    project = make_queue(1, overlap=2)
    lease, other = claim(someone(), project), claim(someone(), project)
    assert lease.solution_id == other.solution_id
    assert lease.assignment_id != other.assignment_id
    assert leases.claim_next(labeler=someone(), project=project) is None


def test_a_released_slot_comes_back_to_everyone() -> None:
    project = make_queue(1)
    labeler = someone()
    lease = claim(labeler, project)
    assert leases.claim_next(labeler=someone(), project=project) is None
    assert ending.release(lease)
    assert not ending.release(lease)
    assert claim(labeler, project).solution_id == lease.solution_id
    assert Lease.objects.get(pk=lease.pk).outcome == "released"


def test_a_skipped_solution_is_hidden_from_who_skipped_it_until_its_time() -> None:
    project = make_queue(1)
    labeler, other = someone(), someone()
    lease = claim(labeler, project)
    ending.skip(lease)
    assert leases.claim_next(labeler=labeler, project=project) is None
    taken = claim(other, project)
    ending.release(taken)
    Lease.objects.filter(pk=lease.pk).update(returns_at=timezone.now())
    assert claim(labeler, project).solution_id == lease.solution_id


def test_a_skip_that_is_due_but_done_by_others_is_forgotten() -> None:
    project = make_queue(1)
    labeler, other = someone(), someone()
    skipped = claim(labeler, project)
    ending.skip(skipped)
    submit(claim(other, project))
    Lease.objects.filter(pk=skipped.pk).update(returns_at=timezone.now())
    assert leases.claim_next(labeler=labeler, project=project) is None
    skipped.refresh_from_db()
    assert skipped.returns_at is None


def test_an_overdue_slot_is_open_again_and_its_hold_is_remembered() -> None:
    project = make_queue(1)
    lease = claim(someone(), project)
    assert ending.expire_everywhere() == 0
    run_out(lease)
    assert ending.expire_everywhere() == 1
    lease.refresh_from_db()
    assert lease.outcome == "expired"
    assert claim(someone(), project).assignment_id == lease.assignment_id


def test_a_claim_that_finds_nothing_takes_what_is_overdue() -> None:
    project = make_queue(1)
    run_out(claim(someone(), project))
    assert claim(someone(), project)


def test_a_lease_is_extended_while_it_lasts() -> None:
    project = make_queue(1, lease_minutes=20)
    lease = claim(someone(), project)
    Lease.objects.filter(pk=lease.pk).update(until=timezone.now() + timedelta(minutes=1))
    assert leases.extend(lease)
    lease.refresh_from_db()
    assert lease.until > timezone.now() + timedelta(minutes=19)
    ending.release(lease)
    assert not leases.extend(lease)


def test_reopened_slots_of_higher_priority_come_before_fresh_ones_of_lower() -> None:
    project = make_queue(3)
    first, second, _ = project.solutions.order_by("pk")
    lease = claim(someone(), project)
    assert lease.solution_id == first.pk
    urgent = Solution.objects.filter(pk=second.pk)
    routing.prioritise(project=project, solutions=urgent, priority=routing.FIRST)
    ending.release(lease)
    labeler = someone()
    given = solutions_of([claim(labeler, project, at_once=n) for n in (1, 2)])
    assert given == [second.pk, first.pk]


def test_a_labelers_next_claim_goes_on_where_the_last_one_was() -> None:
    project = make_queue(4)
    labeler, other = someone(), someone()
    submit(claim(labeler, project))
    mine = claim(other, project)
    lease = claim(labeler, project)
    assert lease.lane_id == lease.assignment_id
    ending.release(mine)
    submit(lease)
    assert claim(labeler, project).assignment_id == mine.assignment_id


def test_slots_added_in_front_are_found_after_a_routing() -> None:
    project = make_queue(2)
    labeler = someone()
    for _ in range(2):
        submit(claim(labeler, project))
    other = someone()
    assert leases.claim_next(labeler=other, project=project) is None
    make_solution(project.problems.get(), ["A new one."])
    routing.route(project=project)
    assert claim(labeler, project)


def test_one_slot_is_claimed_ahead_for_two_minutes_and_is_not_held() -> None:
    project = make_queue(3)
    labeler = someone()
    held, ahead = claim(labeler, project), claim(labeler, project, ahead=True)
    assert held.assignment_id != ahead.assignment_id
    assert claim(labeler, project, ahead=True) == ahead
    assert ahead.until <= timezone.now() + timedelta(minutes=2)
    assert list(Lease.objects.holding()) == [held]
    submit(held)
    begun = claim(labeler, project)
    assert begun == ahead
    assert begun.began_at is not None
    assert begun.until > timezone.now() + timedelta(minutes=20)


def test_a_paused_project_gives_out_nothing_new() -> None:
    project = make_queue(2)
    labeler = someone()
    held = claim(labeler, project)
    Project.objects.filter(pk=project.pk).update(paused_at=timezone.now())
    assert claim(labeler, project) == held
    assert leases.claim_next(labeler=someone(), project=project) is None


def test_late_work_gets_its_open_slot_back_with_its_draft() -> None:
    project = make_queue(1)
    labeler = someone()
    lease = claim(labeler, project)
    Lease.objects.filter(pk=lease.pk).update(draft={"reason": "so far"}, draft_version=3)
    run_out(lease)
    ending.expire_everywhere()
    lease.refresh_from_db()
    again = leases.regain(lease)
    assert again is not None
    assert (again.assignment_id, again.draft, again.draft_version) == (
        lease.assignment_id,
        {"reason": "so far"},
        3,
    )
    assert leases.regain(lease) == again


def test_late_work_on_a_slot_that_was_taken_gets_nothing_back() -> None:
    project = make_queue(1)
    lease = claim(someone(), project)
    run_out(lease)
    claim(someone(), project)
    lease.refresh_from_db()
    assert leases.regain(lease) is None


def test_a_correction_leaves_the_slot_and_the_annotation_alone() -> None:
    project = make_queue(1)
    annotation = submit(claim(someone(), project))
    lease = leases.correct(annotation)
    assert lease.corrects == annotation
    assert leases.correct(annotation) == lease
    assert ending.release(lease)
    assert project.assignments.get().state == "submitted"
    assert annotation in Annotation.objects.in_force()


def test_what_was_superseded_cannot_be_corrected() -> None:
    project = make_queue(1)
    annotation = submit(claim(someone(), project))
    make_annotation(annotation.solution, annotation.labeler, supersedes=annotation)
    with pytest.raises(NotOpen, match="no longer"):
        leases.correct(Annotation.objects.get(pk=annotation.pk))


def test_whoever_waits_is_told_what_others_hold_and_what_was_skipped() -> None:
    project = make_queue(3)
    labeler = someone()
    skipped, first, second = (claim(who, project) for who in (labeler, someone(), someone()))
    ending.skip(skipped)
    waiting = waiting_for(labeler, project)
    assert waiting.reserved == 2
    assert waiting.reserved_until == min(first.until, second.until)
    assert waiting.skipped == 1
    skipped.refresh_from_db()
    assert waiting.returns_at == skipped.returns_at


def test_a_problem_that_others_build_is_not_reserved_for_who_has_built_it() -> None:
    project = make_project(mode=Project.Mode.EXPLORE, overlap=2)
    make_problem(project)
    routing.route(project=project)
    labeler, newcomer = someone(), someone()
    submit(claim(labeler, project))
    claim(someone(), project)
    assert leases.claim_next(labeler=labeler, project=project) is None
    assert waiting_for(labeler, project).reserved == 0
    assert waiting_for(newcomer, project).reserved == 1


def test_everything_of_a_labeler_can_be_released() -> None:
    project = make_queue(3)
    labeler = someone()
    claim(labeler, project)
    claim(labeler, project, ahead=True)
    assert ending.release_all(labeler=labeler, project=project) == 2
    assert project.assignments.open().count() == 3


def test_explore_mode_never_gives_the_same_problem_twice() -> None:
    project = make_project(mode=Project.Mode.EXPLORE, overlap=2)
    for _ in range(2):
        make_problem(project)
    assert routing.route(project=project) == 4
    labeler = someone()
    given = [claim(labeler, project, at_once=n) for n in (1, 2)]
    assert len({lease.solution.problem_id for lease in given}) == 2
    assert leases.claim_next(labeler=labeler, project=project, at_once=3) is None


def test_late_work_that_is_sent_twice_is_kept_once() -> None:
    project = make_queue(1)
    lease = claim(someone(), project)
    run_out(lease)
    ending.expire_everywhere()
    late = Lease.objects.get(pk=lease.pk)
    first, again = hand_in(late, great(late)), hand_in(late, great(late))
    assert (first.is_new, again.is_new) == (True, False)
    assert first.annotation == again.annotation == Annotation.objects.get()
    assert not first.annotation.is_surplus


def test_late_work_goes_on_with_a_new_hold_of_the_same_solution() -> None:
    project = make_queue(1, overlap=2)
    labeler = someone()
    lease = claim(labeler, project)
    run_out(lease)
    ending.expire_everywhere()
    lease.refresh_from_db()
    assert claim(someone(), project).assignment_id == lease.assignment_id
    held = claim(labeler, project)
    assert held.assignment_id != lease.assignment_id
    assert leases.regain(lease) == held
    done = hand_in(lease, great(lease)).annotation
    assert (done.assignment, done.is_surplus) == (held.assignment, False)
    assert not hand_in(held, great(held)).is_new


@pytest.mark.django_db(transaction=True)
def test_a_claim_waits_for_another_tab_that_is_ending_the_slot_claimed_ahead() -> None:
    project = make_queue(2)
    labeler = someone()
    ahead = claim(labeler, project, ahead=True)
    with ThreadPoolExecutor() as tabs:
        with transaction.atomic():
            ending.skip(ahead)
            other_tab = tabs.submit(claim_and_close, labeler, project)
            wait_for_a_lock()
        assert other_tab.result().solution_id != ahead.solution_id


def great(lease: Lease) -> Draft:
    return Draft(marks={step.pk: Mark(rating=1) for step in lease.solution.steps.all()})


def claim_and_close(labeler: Labeler, project: Project) -> Lease:
    try:
        return claim(labeler, project)
    finally:
        connection.close()


def test_what_was_passed_over_for_a_hold_can_be_had_once_the_hold_has_ended() -> None:
    project = make_queue(2, overlap=2)
    labeler, other = someone(), someone()
    held = claim(labeler, project)
    ahead = claim(labeler, project, ahead=True)
    ending.release(held)
    taken = claim(other, project)
    assert taken.assignment_id == held.assignment_id
    submit(taken)
    submit(claim(labeler, project))
    assert claim(labeler, project).solution_id == held.solution_id != ahead.solution_id


def test_explore_mode_gives_a_skipped_problem_back_in_any_slot_of_it() -> None:
    project = make_project(mode=Project.Mode.EXPLORE, overlap=2)
    for _ in range(2):
        make_problem(project)
    routing.route(project=project)
    labeler, other = someone(), someone()
    skipped = claim(labeler, project)
    ending.skip(skipped)
    submit(claim(labeler, project))
    assert claim(other, project).assignment_id == skipped.assignment_id
    Lease.objects.exclude(returns_at=None).update(returns_at=timezone.now())
    again = claim(labeler, project)
    assert again.solution.problem_id == skipped.solution.problem_id


@pytest.mark.parametrize("give_up", [ending.skip, ending.release])
def test_a_solution_that_comes_back_brings_the_marks_made_so_far(
    give_up: Callable[[Lease], bool],
) -> None:
    project = make_queue(1, skip_minutes=0)
    labeler = someone()
    lease = claim(labeler, project)
    drafts.save(lease, great(lease), based_on=0, key=uuid4())
    give_up(lease)
    assert claim(someone(), project).draft == {}
    ending.release_all(labeler=Lease.objects.latest("pk").labeler, project=project)
    again = claim(labeler, project)
    assert (Draft.from_json(again.draft), again.draft_version) == (great(lease), 1)


def test_late_work_that_nobody_had_room_for_is_corrected_from_its_own_marks() -> None:
    project = make_queue(1)
    late = claim(someone(), project)
    run_out(late)
    claim(someone(), project)
    annotation = hand_in(late, great(late)).annotation
    assert annotation.is_surplus
    assert Draft.from_json(leases.correct(annotation).draft) == great(late)


@pytest.mark.parametrize("left", [5, -5])
def test_a_hold_that_is_nearly_or_already_over_is_extended_when_it_is_given_again(
    left: int,
) -> None:
    project = make_queue(1, lease_minutes=20)
    labeler = someone()
    held = claim(labeler, project)
    Lease.objects.filter(pk=held.pk).update(until=timezone.now() + timedelta(seconds=left))
    again = claim(labeler, project)
    assert again == held
    assert again.until > timezone.now() + timedelta(minutes=19)
    assert Lease.objects.get(pk=held.pk).until == again.until


def test_a_correction_that_is_nearly_over_is_extended_when_it_is_opened_again() -> None:
    project = make_queue(1, lease_minutes=20)
    annotation = submit(claim(someone(), project))
    run_out(leases.correct(annotation))
    assert leases.correct(annotation).until > timezone.now() + timedelta(minutes=19)


def test_a_correction_that_ran_out_goes_on_with_its_own_draft() -> None:
    project = make_queue(1)
    annotation = submit(claim(someone(), project))
    lease = leases.correct(annotation)
    saved = drafts.save(lease, Draft(reason="so far"), based_on=lease.draft_version, key=uuid4())
    run_out(lease)
    ending.expire_everywhere()
    again = leases.for_draft(Lease.objects.get(pk=lease.pk))
    assert again.is_open
    assert again.corrects == annotation
    assert Draft.from_json(again.draft) == Draft(reason="so far")
    assert again.draft_version == saved.draft_version
    assert project.assignments.get().state == "submitted"


def test_a_correction_that_ran_out_is_not_gone_on_with_once_the_work_was_corrected() -> None:
    project = make_queue(1)
    annotation = submit(claim(someone(), project))
    lease = leases.correct(annotation)
    run_out(lease)
    ending.expire_everywhere()
    make_annotation(annotation.solution, annotation.labeler, supersedes=annotation)
    assert leases.for_draft(Lease.objects.get(pk=lease.pk)) == lease


def test_a_correction_that_is_skipped_does_not_come_back() -> None:
    project = make_queue(2)
    labeler = someone()
    annotation = submit(claim(labeler, project))
    correction = leases.correct(annotation)
    ending.skip(correction)
    correction.refresh_from_db()
    assert (correction.outcome, correction.returns_at) == ("skipped", None)


def test_what_was_submitted_since_it_was_skipped_does_not_come_back() -> None:
    project = make_queue(1, overlap=2)
    labeler = someone()
    lease = claim(labeler, project)
    ending.skip(lease)
    submit(Lease.objects.get(pk=lease.pk))
    waiting = waiting_for(labeler, project)
    assert (waiting.skipped, waiting.returns_at) == (0, None)
