"""The queue over REST: next, draft, submit, skip, release, extend, undo, correct."""

from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from annotation import ending, leases, routing
from annotation.models import Annotation, Lease, Membership, Project
from labelers.registration import labeler_of
from tests.factories import (
    make_annotation,
    make_problem,
    make_project,
    make_solution,
    make_step,
    make_token,
    make_user,
)
from web.models import User

pytestmark = pytest.mark.django_db

STEPS = ["3 + 4 = 7.", "16 - 7 = 11.", "11 x 2 = 22."]


@pytest.fixture
def user() -> User:
    return make_user()


@pytest.fixture
def project(user: User) -> Project:
    project = make_project("eggs", members={user: "labeler"})
    for text in ("One problem.", "Another problem."):
        make_solution(make_problem(project, text), STEPS, final_answer="22")
    routing.route(project=project)
    return project


def client_of(user: User, **token: Any) -> APIClient:
    client = APIClient()
    fields = {"scopes": ["label"], "every_project": True, **token}
    client.credentials(HTTP_AUTHORIZATION=f"Token {make_token(user, **fields)[1]}")
    return client


@pytest.fixture
def client(user: User) -> APIClient:
    return client_of(user)


def door(name: str, assignment: int | None = None, slug: str = "eggs") -> str:
    return reverse(f"api_{name}", args=[slug] if assignment is None else [slug, assignment])


def take(client: APIClient, **body: Any) -> Any:
    response = client.post(door("next"), body, format="json")
    assert response.status_code == 200, response.content
    return response.json()["assignment"]


def marked(assignment: Any, *ratings: int | None, **draft: Any) -> dict[str, Any]:
    marks = {
        str(step["id"]): {"rating": rating, "flagged": rating is None}
        for step, rating in zip(assignment["steps"], ratings, strict=False)
    }
    return {"marks": marks, "active_ms": 0, **draft}


def submit(client: APIClient, assignment: Any, *ratings: int | None, **draft: Any) -> Any:
    body = {"draft": marked(assignment, *ratings, **draft)}
    return client.post(door("submit", assignment["id"]), body, format="json")


def save(client: APIClient, assignment: Any, version: int, *ratings: int, **headers: Any) -> Any:
    body = {"version": version, "draft": marked(assignment, *ratings)}
    return client.put(door("draft", assignment["id"]), body, format="json", headers=headers)


def test_next_gives_the_text_and_nothing_that_would_lead_the_labeler(
    client: APIClient, project: Project
) -> None:
    problem = project.problems.order_by("pk")[0]
    problem.reference_solution = "Because the book says so."
    problem.save()
    make_annotation(problem.solutions.get(), ratings=[1, -1], comments={1: "No, wrong."})
    assignment = take(client)
    assert [step["text"] for step in assignment["steps"]] == STEPS
    assert assignment["problem"] == {"text": problem.text, "reference_answer": "18"}
    assert "book" not in str(assignment)
    assert "wrong" not in str(assignment)


def test_a_hidden_reference_answer_is_not_sent(client: APIClient, project: Project) -> None:
    Project.objects.update(show_reference_answer=False)
    assert "reference_answer" not in take(client)["problem"]


def test_finished_work_becomes_an_annotation(client: APIClient, project: Project) -> None:
    assignment = take(client)
    response = submit(client, assignment, 1, -1, 1, bad_splits=[1])
    assert response.status_code == 200, response.content
    assert response.json()["finish_reason"] == "found_error"
    annotation = Annotation.objects.get()
    ratings = annotation.labels.order_by("step__position").values_list("rating", "flagged")
    assert list(ratings) == [(1, False), (-1, False)]
    chosen = annotation.positions.order_by("position").values_list("chosen", flat=True)
    assert list(chosen) == [assignment["steps"][0]["id"], None]
    assert annotation.bad_splits == [1]
    assert annotation.elapsed_ms is not None
    assert annotation.lease is not None
    assert annotation.lease.outcome == "submitted"
    assert annotation.assignment is not None
    assert annotation.assignment.state == "submitted"


def test_a_solution_without_an_error_ends_as_solved(client: APIClient, project: Project) -> None:
    assert submit(client, take(client), 1, 0, None).json()["finish_reason"] == "solution"


def test_a_solution_without_an_answer_is_not_solved(client: APIClient, project: Project) -> None:
    project.solutions.update(final_answer=None)
    assert submit(client, take(client), 1, 0, 1).json()["finish_reason"] == ""


def test_active_time_is_never_longer_than_the_time_that_passed(
    client: APIClient, project: Project
) -> None:
    submit(client, take(client), 1, 1, 1, active_ms=3_600_000)
    annotation = Annotation.objects.get()
    assert annotation.total_time_ms == annotation.elapsed_ms


def test_a_step_without_a_mark_is_named(client: APIClient, project: Project) -> None:
    assignment = take(client)
    response = submit(client, assignment, 1)
    assert response.status_code == 400
    body = response.json()
    assert body["code"] == "unfinished"
    assert body["errors"][0]["field"] == f"marks.{assignment['steps'][1]['id']}"
    assert not Annotation.objects.exists()


def test_a_bad_problem_needs_a_reason_and_no_marks(client: APIClient, project: Project) -> None:
    assignment = take(client)
    assert submit(client, assignment, end="bad_problem").json()["errors"][0]["field"] == "reason"
    response = submit(client, assignment, end="bad_problem", reason="There is no question.")
    assert response.json()["finish_reason"] == "bad_problem"
    assert Annotation.objects.get().comment == "There is no question."


def test_giving_up_keeps_the_marks_so_far(client: APIClient, project: Project) -> None:
    response = submit(client, take(client), 1, 1, end="give_up")
    assert response.json()["finish_reason"] == "give_up"
    assert Annotation.objects.get().labels.count() == 2


def test_where_errors_do_not_stop_every_step_is_marked(client: APIClient, project: Project) -> None:
    Project.objects.update(stop_at_first_error=False)
    assignment = take(client)
    assert submit(client, assignment, -1).status_code == 400
    assert submit(client, assignment, -1, 1, 0).json()["finish_reason"] == "found_error"
    assert Annotation.objects.get().labels.count() == 3


def test_marks_on_another_solutions_steps_are_refused(client: APIClient, project: Project) -> None:
    assignment = take(client)
    other = project.solutions.exclude(steps=assignment["steps"][0]["id"]).first()
    assert other is not None
    foreign = other.steps.order_by("position")[0].pk
    body = {"draft": {"marks": {str(foreign): {"rating": 1}}}}
    response = client.post(door("submit", assignment["id"]), body, format="json")
    assert response.json()["errors"][0]["field"] == f"marks.{foreign}"


def test_submitting_twice_makes_one_annotation(client: APIClient, project: Project) -> None:
    assignment = take(client)
    first = submit(client, assignment, 1, 1, 1).json()
    again = submit(client, assignment, -1).json()
    assert (first["is_new"], again["is_new"]) == (True, False)
    assert first["annotation"] == again["annotation"]
    assert Annotation.objects.get().labels.filter(rating=1).count() == 3


def test_drafts_have_versions_and_old_ones_overwrite_nothing(
    client: APIClient, project: Project
) -> None:
    assignment = take(client)
    assert save(client, assignment, 0, 1).json()["version"] == 1
    response = save(client, assignment, 0, -1)
    assert response.status_code == 409
    body = response.json()
    assert (body["code"], body["version"]) == ("stale", 1)
    first = str(assignment["steps"][0]["id"])
    assert body["draft"]["marks"][first]["rating"] == 1
    assert take(client)["draft"]["marks"][first]["rating"] == 1


def test_a_draft_sent_again_under_its_key_is_kept_once(client: APIClient, project: Project) -> None:
    assignment = take(client)
    key = {"Idempotency-Key": str(uuid4())}
    assert save(client, assignment, 0, 1, **key).json()["version"] == 1
    assert save(client, assignment, 0, 1, **key).json()["version"] == 1
    assert save(client, assignment, 0, 1, **{"Idempotency-Key": "mine"}).status_code == 400


def test_a_slip_in_a_name_is_refused_and_not_taken_for_its_default(
    client: APIClient, project: Project
) -> None:
    assignment = take(client)
    body = {"version": 0, "draft": {"marks": {}, "active_ms": 0, "ends": "give_up"}}
    answer = client.put(door("draft", assignment["id"]), body, format="json")
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == ["draft.ends"]
    assert "critiques, end, marks" in answer.json()["errors"][0]["detail"]


def test_late_work_takes_its_slot_again_while_it_is_open(
    client: APIClient, project: Project
) -> None:
    assignment = take(client)
    Lease.objects.update(until=timezone.now())
    ending.expire_everywhere()
    assert save(client, assignment, 0, 1).json()["surplus"] is False
    assert submit(client, assignment, 1, 1, 1).json()["surplus"] is False
    assert Lease.objects.count() == 2
    assert Annotation.objects.get().assignment_id == assignment["id"]


def test_late_work_on_a_slot_that_was_taken_is_kept_as_surplus(
    client: APIClient, project: Project
) -> None:
    assignment = take(client)
    Lease.objects.update(until=timezone.now())
    ending.expire_everywhere()
    other = make_user()
    Membership.objects.create(user=other, project=project, role="labeler")
    held = [
        leases.claim_next(labeler=labeler_of(other), project=project, at_once=n) for n in (1, 2)
    ]
    assert assignment["id"] in {lease.assignment_id for lease in held if lease}
    assert save(client, assignment, 0, 1).json()["surplus"] is True
    response = submit(client, assignment, 1, 1, 1)
    assert response.status_code == 200
    assert response.json()["surplus"] is True
    annotation = Annotation.objects.get()
    assert annotation.assignment is None
    assert annotation not in Annotation.objects.in_slots()


def test_skip_release_and_extend(client: APIClient, project: Project) -> None:
    skipped = take(client)
    assert client.post(door("skip", skipped["id"])).status_code == 200
    released = take(client)
    assert released["id"] != skipped["id"]
    assert client.post(door("extend", released["id"])).json()["until"]
    assert client.post(door("release", released["id"])).status_code == 200
    response = client.post(door("extend", released["id"]))
    assert (response.status_code, response.json()["code"]) == (409, "ended")
    outcomes = Lease.objects.order_by("pk").values_list("outcome", flat=True)
    assert list(outcomes) == ["skipped", "released"]


def test_whoever_finds_nothing_is_told_why(client: APIClient, project: Project) -> None:
    for _ in range(2):
        client.post(door("skip", take(client)["id"]))
    body = client.post(door("next")).json()
    assert body["assignment"] is None
    assert (body["waiting"]["reason"], body["waiting"]["skipped"]) == ("nothing", 2)
    assert body["waiting"]["returns_at"]


def test_undo_opens_the_last_submission_with_its_marks(client: APIClient, project: Project) -> None:
    assignment = take(client)
    first = submit(client, assignment, 1, 1, 1).json()["annotation"]
    opened = client.post(door("undo")).json()["assignment"]
    assert (opened["id"], opened["corrects"]) == (assignment["id"], first)
    ids = [str(step["id"]) for step in assignment["steps"]]
    assert [opened["draft"]["marks"][step]["rating"] for step in ids] == [1, 1, 1]
    assert list(Annotation.objects.in_force().values_list("pk", flat=True)) == [first]
    body = {"draft": marked(opened, 1, -1), "version": opened["version"]}
    second = client.post(door("submit", opened["id"]), body, format="json").json()["annotation"]
    assert list(Annotation.objects.in_force().values_list("pk", flat=True)) == [second]
    assert Annotation.objects.get(pk=second).supersedes_id == first


def test_a_submission_that_comes_again_after_an_undo_does_not_pass_for_the_correction(
    client: APIClient, project: Project
) -> None:
    assignment = take(client)
    first = submit(client, assignment, 1, 1, 1).json()["annotation"]
    client.post(door("undo"))
    again = submit(client, assignment, 1, 1, 1)
    assert again.status_code == 400, again.content
    assert [error["field"] for error in again.json()["errors"]] == ["version"]
    body = {"draft": marked(assignment, 1, 1, 1), "version": assignment["version"]}
    response = client.post(door("submit", assignment["id"]), body, format="json")
    assert (response.status_code, response.json()["code"]) == (409, "stale")
    assert Annotation.objects.get().pk == first


def test_a_labeler_holds_at_most_ten_slots(client: APIClient, project: Project) -> None:
    response = client.post(door("next"), {"at_once": 11}, format="json")
    assert response.status_code == 400, response.content
    assert [error["field"] for error in response.json()["errors"]] == ["at_once"]
    assert not Lease.objects.exists()
    assert take(client, at_once=10)


def test_nothing_is_undone_after_ten_minutes(client: APIClient, project: Project) -> None:
    assignment = take(client)
    submit(client, assignment, 1, 1, 1)
    Annotation.objects.update(submitted_at=timezone.now() - leases.UNDO)
    assert client.post(door("undo")).json()["code"] == "nothing_to_undo"
    assert client.post(door("correct", assignment["id"])).json()["assignment"]["corrects"]


def test_nothing_is_undone_in_an_archived_project(client: APIClient, project: Project) -> None:
    submit(client, take(client), 1, 1, 1)
    Project.objects.update(archived_at=timezone.now())
    response = client.post(door("undo"))
    assert (response.status_code, response.json()["code"]) == (409, "closed")


def test_no_other_annotators_comment_can_be_rated_or_found_out(
    client: APIClient, project: Project
) -> None:
    solution = project.solutions.order_by("pk")[0]
    person = labeler_of(make_user())
    theirs = make_annotation(solution, person, ratings=[1, -1], comments={1: "16 - 7 is 9."})
    label = theirs.labels.get(rating=-1)
    Project.objects.update(ask_critique=True)
    assignment = take(client)
    assert assignment["explanations"] == []
    response = submit(client, assignment, 1, -1, critiques={str(label.pk): 1})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "critiques")


def test_alternatives_and_explanations_come_where_the_project_asks(
    client: APIClient, project: Project
) -> None:
    solution = project.solutions.order_by("pk")[0]
    other = make_step(solution, 1, "16 - 7 = 9.", alternative=1)
    judged = make_annotation(solution, ratings=[1, -1], comments={1: "16 - 7 is 9."})
    Project.objects.update(ask_alternatives=True, ask_critique=True, ask_progress=True)
    assignment = take(client)
    assert [step["id"] for step in assignment["alternatives"]] == [other.pk]
    assert assignment["explanations"] == []
    save(client, assignment, 0, 1, 1)
    assert take(client)["explanations"] == []
    save(client, assignment, 1, 1, -1)
    [explanation] = take(client)["explanations"]
    assert explanation["text"] == "16 - 7 is 9."
    draft = marked(assignment, 1, -1, critiques={str(explanation["id"]): 1}, progress=3)
    draft["marks"][str(other.pk)] = {"rating": 1}
    body = {"draft": draft}
    response = client.post(door("submit", assignment["id"]), body, format="json")
    assert response.status_code == 200, response.content
    annotation = Annotation.objects.get(pk=response.json()["annotation"])
    assert annotation.progress == 3
    assert annotation.critique_ratings.get().label.annotation == judged
    assert annotation.labels.get(step=other).shown_order == 1


def test_what_the_project_does_not_ask_and_steps_it_does_not_have_are_refused(
    client: APIClient, project: Project
) -> None:
    solution = project.solutions.order_by("pk")[0]
    judged = make_annotation(solution, ratings=[1, -1], comments={1: "16 - 7 is 9."})
    label = judged.labels.get(rating=-1)
    assignment = take(client)
    refused: list[dict[str, Any]] = [
        {"progress": 0},
        {"critiques": {str(label.pk): 1}},
        {"bad_splits": [1, len(STEPS)]},
    ]
    for draft in refused:
        response = submit(client, assignment, 1, -1, **draft)
        assert response.status_code == 400, draft
        assert [error["field"] for error in response.json()["errors"]] == [*draft]
    assert not Annotation.objects.filter(labeler__user__isnull=False).exists()


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        ({"marks": {"x": {"rating": 1}}}, "draft.marks"),
        ({"marks": {"1": {"rating": 2}}}, "draft.marks.1.rating"),
        ({"marks": {"1": {"rating": True}}}, "draft.marks.1.rating"),
        ({"progress": 5}, "draft.progress"),
        ({"end": "bored"}, "draft.end"),
        ({"active_ms": -1}, "draft.active_ms"),
    ],
)
def test_what_is_wrong_with_a_draft_is_named(
    client: APIClient, project: Project, draft: dict[str, Any], field: str
) -> None:
    path = door("submit", take(client)["id"])
    response = client.post(path, {"draft": draft}, format="json")
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == field


DOORS = [("next", "post"), ("undo", "post"), ("draft", "put")]
DOORS += [(name, "post") for name in ("submit", "skip", "release", "extend", "correct")]


def address(name: str, assignment: int) -> str:
    return door(name) if name in {"next", "undo"} else door(name, assignment)


@pytest.mark.parametrize(("name", "method"), DOORS)
def test_others_do_not_find_the_door(
    client: APIClient, project: Project, name: str, method: str
) -> None:
    path = address(name, take(client)["id"])
    reader, colleague, outsider = make_user(), make_user(), make_user()
    Membership.objects.create(user=reader, project=project, role="reader")
    Membership.objects.create(user=colleague, project=project, role="labeler")
    body: dict[str, Any] = {"version": 0, "draft": {}}
    assert getattr(APIClient(), method)(path, body, format="json").status_code == 401
    assert getattr(client_of(outsider), method)(path, body, format="json").status_code == 404
    assert getattr(client_of(reader), method)(path, body, format="json").status_code == 403
    if name not in {"next", "undo"}:
        assert getattr(client_of(colleague), method)(path, body, format="json").status_code == 404
    assert client.delete(path).status_code == 405


@pytest.mark.parametrize(("name", "method"), DOORS)
def test_a_token_stays_within_its_scopes_and_projects(
    user: User, client: APIClient, project: Project, name: str, method: str
) -> None:
    path = address(name, take(client)["id"])
    body: dict[str, Any] = {"version": 0, "draft": {}}
    reading = client_of(user, scopes=["read"])
    assert getattr(reading, method)(path, body, format="json").status_code == 403
    elsewhere = client_of(user, every_project=False)
    assert getattr(elsewhere, method)(path, body, format="json").status_code == 404


def test_what_is_not_found_is_not_named(user: User, project: Project) -> None:
    body = client_of(make_user()).post(door("next")).json()
    assert (body["code"], body["detail"]) == ("not_found", "Not found.")


def test_a_member_whose_part_has_ended_gets_nothing(
    user: User, client: APIClient, project: Project
) -> None:
    Membership.objects.update(ended_at=timezone.now())
    assert client.post(door("next")).status_code == 404


@pytest.mark.usefixtures("project")
def test_work_is_not_submitted_over_a_draft_that_was_not_seen(client: APIClient) -> None:
    assignment = take(client)
    save(client, assignment, 0, 1, -1)
    body = {"draft": marked(assignment, 1, 1, 1), "version": 0}
    answer = client.post(door("submit", assignment["id"]), body, format="json")
    assert answer.status_code == 409
    assert (answer.json()["code"], answer.json()["version"]) == ("stale", 1)
    assert not Annotation.objects.exists()
    body["version"] = 1
    for is_new in (True, False):
        answer = client.post(door("submit", assignment["id"]), body, format="json")
        assert answer.json()["is_new"] is is_new


@pytest.mark.usefixtures("project")
def test_a_tab_from_before_a_correction_does_not_pass_for_one_of_it(client: APIClient) -> None:
    assignment = take(client)
    assert submit(client, assignment, 1, 1, 1).status_code == 200
    correction = client.post(door("undo"), {}, format="json").json()["assignment"]
    assert correction["version"] > assignment["version"]
    assert save(client, assignment, assignment["version"], -1).json()["code"] == "stale"


@pytest.mark.parametrize("gone_on", ["draft", "submit"])
def test_a_correction_that_ran_out_goes_on_and_is_no_surplus(
    client: APIClient, project: Project, gone_on: str
) -> None:
    assignment = take(client)
    submit(client, assignment, 1, 1, 1)
    correction = client.post(door("undo")).json()["assignment"]
    Lease.objects.open().update(until=timezone.now())
    ending.expire_everywhere()
    version = correction["version"]
    if gone_on == "draft":
        saved = save(client, correction, version, 1, -1).json()
        assert saved["surplus"] is False
        assert saved["until"] > timezone.now().isoformat()
        version = saved["version"]
    body = {"draft": marked(correction, 1, -1), "version": version}
    response = client.post(door("submit", correction["id"]), body, format="json")
    assert response.json()["surplus"] is False
    assert Annotation.objects.in_force().get().supersedes is not None


def test_a_correction_of_surplus_work_is_surplus_from_its_first_draft_on(
    client: APIClient, project: Project
) -> None:
    assignment = take(client)
    Lease.objects.update(until=timezone.now())
    ending.expire_everywhere()
    other = labeler_of(make_user())
    for n in (1, 2):
        leases.claim_next(labeler=other, project=project, at_once=n)
    assert submit(client, assignment, 1, 1, 1).json()["surplus"] is True
    correction = client.post(door("undo")).json()["assignment"]
    saved = save(client, correction, correction["version"], 1, -1)
    assert saved.json()["surplus"] is True


@pytest.mark.parametrize("how", ["skip", "release"])
def test_a_late_draft_is_kept_but_takes_back_nothing_that_was_given_back(
    client: APIClient, project: Project, how: str
) -> None:
    assignment = take(client)
    client.post(door(how, assignment["id"]))
    saved = save(client, assignment, 0, 1)
    assert (saved.status_code, saved.json()["surplus"]) == (200, True)
    assert not Lease.objects.open().exists()
    assert Lease.objects.get().draft_version == 1
    if how == "skip":
        assert take(client)["id"] != assignment["id"]
    submitted = submit(client, assignment, 1, 1, 1)
    assert submitted.json()["surplus"] is False
    assert Annotation.objects.get().assignment_id == assignment["id"]


def test_late_drafts_take_back_no_more_than_ten_slots(
    client: APIClient, project: Project, user: User
) -> None:
    problem = project.problems.earliest("pk")
    for number in range(9):
        make_solution(problem, [f"{number}.", *STEPS[1:]])
    routing.route(project=project)
    for n in range(1, 12):
        leases.claim_next(labeler=labeler_of(user), project=project, at_once=n)
    late = [{"id": slot.pk, "steps": []} for slot in project.assignments.filter(state="leased")]
    Lease.objects.update(until=timezone.now())
    ending.expire_everywhere()
    answers = [save(client, assignment, 0).json()["surplus"] for assignment in late]
    assert answers == [False] * 10 + [True]
    assert Lease.objects.holding().count() == 10
