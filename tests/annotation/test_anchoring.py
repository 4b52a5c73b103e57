"""Models' marks beside people's work: shown on some slots, counted in two arms."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from annotation import ending, leases
from annotation.anchoring import Arm, overruled, suggestions
from annotation.models import Assignment, Lease, Project, StepLabel
from annotation.showing import explanations
from labelers.registration import labeler_of
from tests.annotation.managing import client_of, manager_of, member_of
from tests.annotation.routed import (
    catch_up,
    claimed,
    claimed_for_review,
    judged,
    make_routed,
    marked,
    set_policy,
)
from tests.factories import make_user
from web.models import User

pytestmark = pytest.mark.django_db

POLICY: dict[str, Any] = {"first": ["prm", "judge"], "people": [{"how_many": 2}], "blind_share": 0}


def routed(blind_share: float, *, n: int = 1) -> Project:
    """Return a project whose models have found the second step of each solution wrong."""
    project = make_routed({**POLICY, "blind_share": blind_share}, n=n, slug="eggs")
    catch_up(project)
    for solution in project.solutions.all():
        judged(solution, "prm", 1)
        judged(solution, "judge", -1)
    catch_up(project)
    return project


def member(project: Project) -> tuple[User, Client]:
    user = make_user()
    project.memberships.create(user=user, role="labeler")
    return user, client_of(user)


def test_a_slot_that_is_not_blind_shows_what_models_say_of_each_step() -> None:
    project = routed(0)
    user, client = member(project)
    page = client.get("/label/eggs/").content.decode()
    assert page.count("What models say") == 3
    assert page.count("</b> judge</li>") == 3
    assert page.count("</b> prm</li>") == 2
    assert " checked" not in page
    lease = Lease.objects.get(labeler__user=user)
    found = suggestions(lease)
    second = lease.solution.steps.get(position=1)
    assert found[second.pk] == [
        {"labeler": "judge", "rating": 1},
        {"labeler": "prm", "rating": -1},
    ]
    answer = client.post("/api/v1/projects/eggs/assignments/next/", "{}", "application/json")
    slot = json.loads(answer.content)["assignment"]
    assert slot["suggestions"][str(second.pk)] == found[second.pk]
    assert slot["draft"]["marks"] == {}


def test_a_blind_slot_shows_nothing_of_them() -> None:
    project = routed(1)
    user, client = member(project)
    page = client.get("/label/eggs/").content.decode()
    assert "What models say" not in page
    assert "prm" not in page
    assert suggestions(Lease.objects.get(labeler__user=user)) == {}


def test_a_slot_for_reviewers_is_always_blind() -> None:
    project = routed(0)
    for first_error in (1, 2):
        marked(claimed(project), first_error)
    catch_up(project)
    page = member_of(project, "reviewer").get("/label/eggs/review/").content.decode()
    assert "data-assignment" in page
    assert "What models say" not in page


@pytest.mark.parametrize("how", [None, "release", "skip", "expire"])
def test_a_slot_that_anybody_has_held_keeps_its_arm_when_the_share_changes(how: str | None) -> None:
    project = routed(0, n=2)
    lease = claimed(project)
    slot = Assignment.objects.get(pk=lease.assignment_id)
    give_back(lease, how)
    set_policy(project, {**POLICY, "blind_share": 1})
    catch_up(project)
    slot.refresh_from_db()
    assert (slot.shows_marks, suggestions(lease) != {}) == (True, True)
    untouched = project.assignments.for_people().exclude(solution=slot.solution_id)
    assert set(untouched.values_list("shows_marks", flat=True)) == {False}


def give_back(lease: Lease, how: str | None) -> None:
    if how == "expire":
        Lease.objects.filter(pk=lease.pk).update(until=timezone.now())
        ending.expire_everywhere()
    elif how is not None:
        getattr(ending, how)(lease)


def test_a_slot_that_was_held_keeps_its_arm_when_the_policy_is_taken_away() -> None:
    project = routed(0)
    lease = claimed(project)
    ending.release(lease)
    set_policy(project, None)
    assert Assignment.objects.get(pk=lease.assignment_id).shows_marks


def one_of_each_arm(project: Project) -> tuple[Assignment, Assignment]:
    """Return the two slots of a project of one solution: one that is blind, one that is not."""
    blind, shown = project.assignments.for_people().order_by("pk")
    Assignment.objects.filter(pk=blind.pk).update(shows_marks=False)
    return blind, shown


def test_what_somebody_skipped_comes_back_to_them_on_the_same_slot() -> None:
    project = routed(0)
    ann = labeler_of(make_user())
    blind, shown = one_of_each_arm(project)
    others, hers = claimed(project), claimed(project, ann)
    assert (others.assignment, hers.assignment) == (blind, shown)
    ending.release(others)
    ending.skip(hers)
    Lease.objects.filter(pk=hers.pk).update(returns_at=timezone.now())
    assert claimed(project, ann).assignment == shown


def test_whoever_has_seen_marks_on_another_slot_is_counted_among_those_who_have() -> None:
    project = routed(0)
    ann = labeler_of(make_user())
    blind, shown = one_of_each_arm(project)
    others, hers = claimed(project), claimed(project, ann)
    ending.release(hers)
    assert claimed(project).assignment == shown
    ending.release(others)
    again = claimed(project, ann)
    assert again.assignment == blind
    marked(again, 2)
    assert overruled(project)[1].shown == Arm(overruled=1, compared=1)


def explained(lease: Lease) -> list[str]:
    """Return what the page shows of models' explanations once the second step is saved as Bad."""
    StepLabel.objects.filter(rating=-1).update(comment="16 - 7 is 9.")
    second = lease.solution.steps.get(position=1)
    Project.objects.update(ask_critique=True)
    Lease.objects.filter(pk=lease.pk).update(draft={"marks": {str(second.pk): {"rating": -1}}})
    return [one["text"] for one in explanations(Lease.objects.get(pk=lease.pk))]


@pytest.mark.parametrize(("blind_share", "shown"), [(0, ["16 - 7 is 9."]), (1, [])])
def test_explanations_are_hidden_where_the_marks_are(blind_share: float, shown: list[str]) -> None:
    assert explained(claimed(routed(blind_share))) == shown


def test_explanations_are_hidden_from_reviewers() -> None:
    project = routed(0)
    for first_error in (1, 2):
        marked(claimed(project), first_error)
    catch_up(project)
    assert explained(claimed_for_review(project)) == []


def test_explanations_are_shown_where_no_model_marks_first() -> None:
    project = routed(0)
    set_policy(project, {"people": [{"how_many": 2}]})
    catch_up(project)
    assert explained(claimed(project)) == ["16 - 7 is 9."]


def test_people_who_name_another_first_error_are_counted_in_their_arm() -> None:
    project = routed(0)
    shown, hidden = claimed(project), claimed(project)
    Assignment.objects.filter(pk=hidden.assignment_id).update(shows_marks=False)
    marked(shown, 1)
    marked(hidden, 2)
    judge, prm = overruled(project)
    assert (judge.name, judge.shown, judge.blind) == (
        "judge", Arm(overruled=1, compared=1), Arm(overruled=1, compared=1)
    )  # fmt: skip
    assert (prm.shown, prm.blind) == (Arm(compared=1), Arm(overruled=1, compared=1))
    assert prm.blind.percent == 100


def test_marks_that_came_after_the_person_and_people_who_name_none_are_not_compared() -> None:
    project = make_routed({**POLICY, "people": [{"how_many": 1}]}, n=1)
    catch_up(project)
    (solution,) = project.solutions.all()
    slot = Assignment.objects.create(project=project, solution=solution)
    early = claimed(project)
    assert early.assignment == slot
    judged(solution, "prm", 1)
    judged(solution, "judge", 1)
    marked(early, 2)
    assert {row.blind for row in overruled(project)} == {Arm()}


def test_a_correction_replaces_what_it_corrects() -> None:
    project = routed(0)
    annotation = marked(claimed(project), 2)
    assert overruled(project)[1].shown == Arm(overruled=1, compared=1)
    marked(leases.correct(annotation), 1)
    assert overruled(project)[1].shown == Arm(compared=1)


def test_the_project_page_shows_both_arms_to_those_who_read_marks() -> None:
    project = routed(0)
    marked(claimed(project), 2)
    page = manager_of(project).get("/projects/eggs/").content.decode()
    assert "How often people overrule the models" in page
    assert "1 of 1 (100 %)" in page
    labeler = member_of(project, "labeler").get("/projects/eggs/").content.decode()
    assert "overrule" not in labeler


def test_a_project_without_a_policy_compares_nothing() -> None:
    project = routed(0)
    marked(claimed(project, labeler_of(make_user())), 2)
    project.routing = {}
    project.save()
    assert overruled(project) == []
