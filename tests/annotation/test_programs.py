"""A program that marks over REST counts as a model, by its name, and never as a person."""

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from annotation import changes, ending, route, routing, run_control
from annotation.models import Assignment, Lease, Project
from annotation.programs import claim_own
from annotation.reviewing import claim_review
from labelers.models import Labeler
from labelers.registration import BadConfiguration, labeler_of, register_program
from tests.annotation.managing import client_of, manager_of
from tests.annotation.routed import (
    claimed,
    judged,
    make_routed,
    marked,
    set_policy,
    slots_of,
    verdicts_of,
)
from tests.factories import (
    make_annotation,
    make_labeler,
    make_problem,
    make_project,
    make_solution,
    make_token,
    make_user,
)
from web.models import User

pytestmark = pytest.mark.django_db

NEXT = "/api/v1/projects/eggs/assignments/next/"
POLICY: dict[str, Any] = {
    "first": ["extern"],
    "accept": [{"labelers": {"extern": 0.8}}],
    "people": [{"how_many": 1}],
}


@pytest.fixture
def user() -> User:
    return make_user("bot")


@pytest.fixture
def extern(user: User) -> Labeler:
    return register_program(name="extern", user=user)


@pytest.fixture
def project(user: User, extern: Labeler) -> Project:
    """Return a project whose solutions the program is to mark first."""
    project = make_routed(POLICY, n=3, slug="eggs", members={user: "labeler"})
    sweep()
    return project


@pytest.fixture
def bot(user: User) -> Client:
    return client_of(user)


def sweep() -> None:
    route.catch_up_everywhere()


def post(client: Client, address: str, **body: Any) -> Any:
    return client.post(address, json.dumps(body), content_type="application/json")


def take(client: Client, **how: Any) -> Any:
    return post(client, NEXT, **how).json()["assignment"]


def submit(client: Client, slot: Any, *ratings: int, **draft: Any) -> Any:
    marks = {
        step["id"]: {"rating": rating} for step, rating in zip(slot["steps"], ratings, strict=False)
    }
    address = f"/api/v1/projects/eggs/assignments/{slot['id']}/submit/"
    return post(client, address, draft={"marks": marks, **draft})


def test_solutions_wait_for_the_program_and_go_on_by_what_it_finds(
    project: Project, bot: Client
) -> None:
    assert slots_of(project) == []
    first, second, third = project.solutions.order_by("pk")
    assert submit(bot, take(bot), 1, -1, score=0.1).status_code == 200
    assert submit(bot, take(bot), 1, -1).status_code == 200
    sweep()
    assert verdicts_of(first) == [(1, 1.0, "accept 1"), (-1, 0.0, "accept 1")]
    assert slots_of(project) == [(second.pk, "people 1: rest")]
    assert verdicts_of(second) == []
    assert not project.runs.filter(kind="labelling").exists()
    assert third.assignments.count() == 0


def test_it_takes_each_solution_once_and_never_a_persons_slot() -> None:
    user = make_user()
    project = make_project("eggs", members={user: "labeler"})
    problem = make_problem(project)
    solutions = [make_solution(problem, [f"Step {n}."]) for n in range(3)]
    routing.route(project=project)
    extern = register_program(name="extern", user=user)
    make_annotation(solutions[1], extern, ratings=[1])
    bot = client_of(user)
    for _ in range(2):
        submit(bot, take(bot), 1)
    answer = post(bot, NEXT).json()
    assert (answer["assignment"], answer["waiting"]["reason"]) == (None, "nothing")
    done = Assignment.objects.filter(labeler=extern).order_by("solution")
    assert [slot.solution for slot in done] == [solutions[0], solutions[2]]
    assert {slot.is_named for slot in done} == {True}
    assert project.assignments.open().for_people().count() == 3
    sweep()
    assert verdicts_of(solutions[0]) == []


def test_it_holds_several_at_once_and_gets_the_same_again(project: Project, bot: Client) -> None:
    taken = [take(bot, at_once=2)["id"] for _ in range(3)]
    assert len(set(taken)) == 2
    assert taken[2] == taken[0]
    assert Lease.objects.open().count() == 2


def test_what_it_gave_back_comes_after_the_rest(project: Project, bot: Client) -> None:
    first = take(bot)
    post(bot, f"/api/v1/projects/eggs/assignments/{first['id']}/release/")
    second = take(bot)
    assert second["id"] != first["id"]
    submit(bot, second, 1, 1, 1)
    submit(bot, take(bot), 1, 1, 1)
    assert take(bot)["id"] == first["id"]


def test_what_it_skipped_comes_back_when_it_is_due(project: Project, bot: Client) -> None:
    first = take(bot)
    post(bot, f"/api/v1/projects/eggs/assignments/{first['id']}/skip/")
    for _ in range(2):
        submit(bot, take(bot), 1, 1, 1)
    assert take(bot) is None
    Lease.objects.update(returns_at=None)
    assert take(bot)["id"] == first["id"]


def test_what_it_marks_late_goes_to_its_own_slot(project: Project, extern: Labeler) -> None:
    slot = Assignment.objects.filter(labeler=extern)
    lease = claim_own(labeler=extern, project=project)
    assert lease is not None
    ending.release(lease)
    assert slot.get().state == "open"
    annotation = marked(Lease.objects.get(pk=lease.pk), 1)
    assert not annotation.is_surplus
    assert slot.get().state == "submitted"


def test_it_comes_with_a_token_of_its_account(project: Project, user: User) -> None:
    _, secret = make_token(user, scopes=["label"], every_project=True)
    client = Client(headers={"Authorization": f"Token {secret}"})
    assert take(client)["project"] == "eggs"


def test_its_page_in_the_browser_is_the_same_queue(project: Project, bot: Client) -> None:
    assert "data-assignment" in bot.get("/label/eggs/").content.decode()
    assert Lease.objects.get().assignment.is_named


def test_a_score_is_a_programs_and_a_share(project: Project, bot: Client) -> None:
    slot = take(bot)
    for score in (1.5, -1, "NaN", "much"):
        answer = submit(bot, slot, 1, 1, 1, score=score)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "draft.score"
    set_policy(project, {"people": [{"how_many": 1}]})
    sweep()
    ann = make_user()
    project.memberships.create(user=ann, role="labeler")
    person = client_of(ann)
    answer = submit(person, take(person), 1, 1, 1, score=0.5)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "score")


def test_programs_review_nothing(project: Project, extern: Labeler) -> None:
    set_policy(project, {"people": [{"how_many": 2}]})
    sweep()
    for first_error in (1, 2):
        marked(claimed(project), first_error)
    sweep()
    assert Assignment.objects.open().for_review().count() == 1
    assert claim_review(labeler=extern, project=project) is None


def test_a_paused_project_an_explore_project_and_a_program_that_was_replaced_get_nothing(
    project: Project, bot: Client, extern: Labeler
) -> None:
    changes.pause(project)
    assert take(bot) is None
    changes.resume(project)
    Project.objects.update(mode=Project.Mode.EXPLORE, routing={})
    assert take(bot) is None
    Project.objects.update(mode=Project.Mode.REVIEW)
    newer = register_program(name="extern", user=make_user())
    assert newer.replaces == extern
    assert take(bot) is None


def test_managers_may_name_it_in_a_policy_and_start_no_run_of_it(
    project: Project, extern: Labeler
) -> None:
    manager = make_user()
    assert run_control.not_payable(manager, ["extern"]) == []
    assert extern not in run_control.startable(make_user(is_superuser=True))
    client = manager_of(project)
    answer = post(client, "/api/v1/projects/eggs/runs/", labeler=str(extern.uuid))
    assert answer.status_code == 400
    with pytest.raises(CommandError, match="no model labeler or judge is named"):
        call_command("label", project="eggs", labeler="extern")


def test_a_judge_and_a_program_mark_first_side_by_side(project: Project, bot: Client) -> None:
    make_solution(project.problems.get(), ["Another.", "And on.", "So it is."])
    set_policy(project, {**POLICY, "first": ["extern", "prm"]})
    sweep()
    assert [run.subject for run in project.runs.filter(kind="labelling")] == ["prm"]
    slot = take(bot)
    solution = Assignment.objects.get(pk=slot["id"]).solution
    judged(solution, "prm", 1)
    sweep()
    assert slots_of(project) == []
    submit(bot, slot, 1, 1, 1)
    sweep()
    assert [pk for pk, _ in slots_of(project)] == [solution.pk]


def test_the_command_makes_an_account_a_model(user: User, capsys: Any) -> None:
    joined = labeler_of(user)
    call_command("register_labeler", "extern", account="bot")
    joined.refresh_from_db()
    assert (joined.kind, joined.name, joined.judge) == ("model", "extern", "")
    assert str(joined.uuid) in capsys.readouterr().out
    call_command("register_labeler", "extern", account="bot")
    assert Labeler.objects.programs().count() == 1
    for wrong in ({"account": "nobody"}, {"account": "bot", "config": '{"n": 1}'}):
        with pytest.raises(CommandError):
            call_command("register_labeler", "other", **wrong)


def test_an_account_that_has_marked_as_a_person_becomes_no_program(user: User) -> None:
    solution = make_solution(make_problem(make_project()))
    make_annotation(solution, labeler_of(user), ratings=[1])
    with pytest.raises(BadConfiguration, match="has marked as a person"):
        register_program(name="extern", user=user)


def test_one_account_is_one_program_and_a_judges_name_is_taken(extern: Labeler, user: User) -> None:
    with pytest.raises(BadConfiguration, match="is the program 'extern' already"):
        register_program(name="other", user=user)
    make_labeler("prm")
    with pytest.raises(BadConfiguration, match="by the judge 'arithmetic'"):
        register_program(name="prm", user=make_user())
