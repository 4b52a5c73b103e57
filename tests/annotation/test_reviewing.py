"""The queue of reviewers: what waits for them, who may have it, and how it comes back."""

from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from annotation import ending, leases, members
from annotation.models import Assignment, Lease, Project
from annotation.reviewing import claim_review
from labelers.models import Labeler
from labelers.registration import labeler_of
from tests.annotation.managing import client_of
from tests.annotation.routed import (
    catch_up,
    claimed,
    claimed_for_review,
    make_routed,
    marked,
    review_slots,
)
from tests.factories import make_assignment, make_solution, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    """Return a project with two solutions that people disagree on."""
    project = make_routed({"people": [{"how_many": 2}]}, n=2)
    catch_up(project)
    for first_error in (1, 2):
        ann = somebody()
        for _ in range(2):
            marked(claimed(project, ann), first_error)
    catch_up(project)
    assert len(review_slots(project)) == 2
    return project


def somebody() -> Labeler:
    return labeler_of(make_user())


def test_a_reviewer_gets_one_solution_and_the_same_again(project: Project) -> None:
    ann = somebody()
    lease = claimed_for_review(project, ann)
    assert claimed_for_review(project, ann) == lease
    assert lease.assignment.for_reviewers
    assert claimed_for_review(project).solution != lease.solution
    assert claim_review(labeler=somebody(), project=project) is None


def test_the_peoples_queue_never_gives_out_what_waits_for_a_reviewer(project: Project) -> None:
    assert leases.claim_next(labeler=somebody(), project=project) is None


def test_nobody_reviews_what_they_have_marked(project: Project) -> None:
    ann = project.annotations.earliest("pk").labeler
    assert claim_review(labeler=ann, project=project) is None


def test_the_highest_priority_comes_first(project: Project) -> None:
    last = Assignment.objects.for_review().latest("pk")
    Assignment.objects.filter(pk=last.pk).update(priority=5)
    assert claimed_for_review(project).assignment == last


@pytest.mark.parametrize("how", ["release", "skip", "expire"])
def test_what_a_reviewer_gives_back_is_for_any_other(project: Project, how: str) -> None:
    ann = somebody()
    lease = claimed_for_review(project, ann)
    if how == "expire":
        Lease.objects.filter(pk=lease.pk).update(until=timezone.now())
        ending.expire_everywhere()
    else:
        getattr(ending, how)(lease)
    slot = Assignment.objects.get(pk=lease.assignment_id)
    assert (slot.state, slot.labeler) == (Assignment.State.OPEN, None)
    solutions = {claimed_for_review(project).solution_id for _ in range(2)}
    assert lease.solution_id in solutions


def test_whoever_reviews_no_more_decides_nothing_more(project: Project) -> None:
    rita = make_user("rita")
    member = project.memberships.create(user=rita, role="reviewer")
    held = claimed_for_review(project, labeler_of(rita))
    members.change_role(membership=member, role="labeler")
    held.refresh_from_db()
    assert held.outcome == Lease.Outcome.RELEASED
    client = client_of(rita)
    address = f"/api/v1/projects/{project.slug}/assignments/{held.assignment_id}/"
    late = {"draft": {}, "version": 0}
    put = client.put(f"{address}draft/", late, content_type="application/json")
    post = client.post(f"{address}submit/", late, content_type="application/json")
    assert (put.status_code, post.status_code) == (403, 403)


def test_late_work_of_the_peoples_queue_never_becomes_a_reviewers_word() -> None:
    project = make_routed({"people": [{"how_many": 2}], "review": {"disagreement": "any"}}, n=1)
    catch_up(project)
    rita = somebody()
    late = claimed(project, rita)
    Lease.objects.filter(pk=late.pk).update(until=timezone.now())
    ending.expire_everywhere()
    for first_error in (1, 2):
        marked(claimed(project), first_error)
    catch_up(project)
    review = claimed_for_review(project, rita)
    annotation = marked(Lease.objects.get(pk=late.pk), 0)
    assert annotation.assignment_id != review.assignment_id
    assert annotation.is_surplus


def test_what_a_reviewer_skipped_comes_back_to_them_when_it_is_due(project: Project) -> None:
    ann = somebody()
    first = claimed_for_review(project, ann)
    ending.skip(first)
    second = claimed_for_review(project, ann)
    assert second.solution != first.solution
    marked(second, 1)
    assert claim_review(labeler=ann, project=project) is None
    Lease.objects.filter(pk=first.pk).update(returns_at=timezone.now())
    assert claimed_for_review(project, ann).solution == first.solution


def test_one_more_is_claimed_ahead(project: Project) -> None:
    ann = somebody()
    lease = claimed_for_review(project, ann)
    ahead = claim_review(labeler=ann, project=project, ahead=True)
    assert ahead is not None
    assert ahead.is_ahead
    assert claim_review(labeler=ann, project=project, ahead=True) == ahead
    marked(lease, 1)
    begun = claimed_for_review(project, ann)
    assert begun == ahead
    assert not begun.is_ahead


def test_work_between_reviews_goes_on_where_it_was(project: Project) -> None:
    ann = somebody()
    before = [make_assignment(solution) for solution in project.solutions.order_by("pk")]
    held = claimed(project, ann)
    assert held.assignment == before[0]
    marked(held, 1)
    review = claimed_for_review(project, ann)
    assert review.solution != held.solution
    ending.release(review)
    assert claimed(project, ann).assignment == before[1]


@pytest.mark.parametrize("ahead", [False, True])
def test_whoever_holds_a_review_gets_work_of_the_peoples_queue(
    project: Project, ahead: bool
) -> None:
    ann = somebody()
    problem = project.problems.get()
    slot = make_assignment(make_solution(problem, ["Another."], text_key=uuid4()))
    other = make_assignment(make_solution(problem, ["One more."], text_key=uuid4()))
    review = claimed_for_review(project, ann)
    if ahead:
        assert claim_review(labeler=ann, project=project, ahead=True) is not None
    lease = claimed(project, ann)
    assert lease.assignment == slot
    assert claimed(project, ann) == lease
    following = leases.claim_next(labeler=ann, project=project, ahead=True)
    assert following is not None
    assert following.assignment == other
    assert claimed_for_review(project, ann) == review
    assert set(following.open_before) >= {review.pk, lease.pk}


def test_a_paused_project_gives_reviewers_nothing(project: Project) -> None:
    project.paused_at = timezone.now()
    project.save()
    assert claim_review(labeler=somebody(), project=project) is None


def test_the_queue_of_reviewers_is_read_from_an_index_of_its_own(project: Project) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM annotation_assignment WHERE project_id = %s AND for_reviewers "
            "AND state = 'open' ORDER BY priority * -1.0, id LIMIT 1",
            [project.pk],
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "assignment_for_review" in plan
    assert "Sort" not in plan
