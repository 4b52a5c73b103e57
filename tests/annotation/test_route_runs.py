"""Marking that the route began ends when no policy asks for it; what managers began goes on."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from annotation import (
    changes,
    consensus,
    labelling,
    route_runs,
    routing,
    run_control,
    runs,
    tasks,
    webhooks,
)
from annotation.models import Project, Reconsideration, Run
from annotation.policy import Policy
from labelers.judges import JUDGES
from labelers.registration import register_model
from tests.annotation.routed import catch_up, make_routed, set_policy
from tests.factories import make_solution, make_user
from web.models import Delivery

pytestmark = pytest.mark.django_db

BOTH: dict[str, Any] = {"first": ["prm", "judge"], "people": [{"how_many": 1}]}
ONE: dict[str, Any] = {"first": ["prm"], "people": [{"how_many": 1}]}


@pytest.fixture(autouse=True)
def labelers() -> None:
    for name in ("prm", "judge"):
        register_model(name=name, judge="arithmetic")


@pytest.fixture
def project() -> Project:
    project = make_routed(BOTH, n=4)
    catch_up(project)
    return project


def run_of(name: str) -> Run:
    return Run.objects.filter(request__name=name).latest("pk")


def states() -> dict[str, str]:
    return {name: run_of(name).state for name in ("prm", "judge")}


def test_a_run_ends_when_the_policy_drops_its_labeler(project: Project) -> None:
    piece = runs.claim(run_of("judge").pk)
    set_policy(project, ONE)
    dropped = run_of("judge")
    assert (dropped.state, dropped.error) == ("cancelled", route_runs.NOT_ASKED)
    assert states()["prm"] == "queued"
    assert runs.claim(dropped.pk) is None
    assert piece is not None
    assert runs.work(piece, labelling.judge_slice), "what is in work still ends"
    assert run_of("judge").done == 4


def test_the_end_of_a_run_that_the_policy_drops_is_told(project: Project) -> None:
    url, boss = "https://hooks.example.org", make_user()
    webhooks.make_webhook(project=project, url=url, events=["run.finished"], user=boss)
    set_policy(project, ONE)
    told = Delivery.objects.filter(payload__run__kind="labelling")
    assert [one.payload["run"]["state"] for one in told] == ["cancelled"]


def test_every_run_of_the_route_ends_when_the_policy_is_taken_away(project: Project) -> None:
    set_policy(project, None)
    assert states() == {"prm": "cancelled", "judge": "cancelled"}


def test_a_run_goes_on_when_the_policy_names_its_labeler_again(project: Project) -> None:
    set_policy(project, ONE)
    set_policy(project, BOTH)
    back = run_of("judge")
    assert (back.state, back.error, back.left) == ("queued", "", 4)


def test_a_run_that_was_begun_by_hand_goes_on(project: Project) -> None:
    by_hand = make_routed(ONE, n=1)
    labeler = register_model(name="judge", judge="arithmetic")
    run = labelling.request(project=by_hand, labeler=labeler)
    set_policy(by_hand, BOTH)
    catch_up(by_hand)
    set_policy(by_hand, ONE)
    run.refresh_from_db()
    assert run.state == "queued"
    asked_again = labelling.request(project=project, labeler=labeler)
    set_policy(project, ONE)
    asked_again.refresh_from_db()
    assert asked_again.state == "queued"
    assert route_runs.follow_everywhere() == 0


def test_the_run_of_a_labeler_that_was_replaced_ends_and_its_successor_marks_all(
    project: Project,
) -> None:
    old = run_of("judge")
    new = register_model(name="judge", judge="outcome")
    assert route_runs.follow_everywhere() == 1
    old.refresh_from_db()
    assert (old.state, old.error) == ("cancelled", route_runs.REPLACED)
    runs.work_here(project.runs.get(kind=Run.Kind.ROUTING, state="queued"), routing.route_slice)
    catch_up(project)
    assert project.assignments.filter(labeler=new).count() == 4
    assert (run_of("judge").request["labeler"], run_of("judge").state) == (str(new.uuid), "queued")
    assert states()["prm"] == "queued"
    assert route_runs.follow_everywhere() == 0


@pytest.mark.parametrize("state", ["finished", "paused"])
def test_the_successor_of_a_labeler_whose_run_has_finished_or_is_paused_marks_all(
    project: Project, state: str
) -> None:
    old = run_of("judge")
    if state == "finished":
        runs.work_here(old, labelling.judge_slice)
    else:
        run_control.pause(old)
    assert route_runs.follow_everywhere() == 0
    new = register_model(name="judge", judge="outcome")
    assert route_runs.follow_everywhere() == 1
    runs.work_here(project.runs.get(kind=Run.Kind.ROUTING, state="queued"), routing.route_slice)
    catch_up(project)
    assert project.assignments.filter(labeler=new).count() == 4
    old.refresh_from_db()
    assert old.state == state
    assert route_runs.follow_everywhere() == 0


def test_a_run_that_finished_though_it_was_dropped_is_the_routes_again(project: Project) -> None:
    piece = runs.claim(run_of("judge").pk)
    assert piece is not None
    set_policy(project, ONE)
    assert runs.work(piece, labelling.judge_slice)
    assert states()["judge"] == "finished"
    set_policy(project, BOTH)
    make_solution(project.problems.get(), ["Another."])
    Reconsideration.objects.ask_for_all(project, project.solutions.values("pk"))
    catch_up(project)
    assert states()["judge"] == "queued"
    set_policy(project, ONE)
    assert states()["judge"] == "cancelled"


def test_the_run_of_a_labeler_that_was_retired_ends(project: Project) -> None:
    register_model(name="judge", judge="arithmetic").retire()
    tasks.route_solutions()
    assert states() == {"prm": "queued", "judge": "cancelled"}


def test_what_a_manager_stopped_stays_stopped(project: Project) -> None:
    run_control.cancel(run_of("judge"))
    run_control.pause(run_of("prm"))
    for policy in (None, BOTH):
        set_policy(project, policy)
        route_runs.follow_everywhere()
        assert states() == {"prm": "paused", "judge": "cancelled"}


def test_what_a_manager_resumes_though_no_policy_asks_for_it_is_theirs(project: Project) -> None:
    run_control.pause(run_of("prm"))
    set_policy(project, None)
    for name in ("prm", "judge"):
        run_control.resume(run_of(name))
    assert route_runs.follow_everywhere() == 0
    assert states() == {"prm": "queued", "judge": "queued"}


def test_what_a_manager_resumes_while_the_policy_asks_for_it_stays_the_routes(
    project: Project,
) -> None:
    run_control.pause(run_of("judge"))
    run_control.resume(run_of("judge"))
    set_policy(project, ONE)
    assert states()["judge"] == "cancelled"


def test_a_run_whose_budget_is_spent_does_not_come_back(project: Project) -> None:
    set_policy(project, ONE)
    dropped = run_of("judge")
    dropped.money = dropped.budget = Decimal(1)
    dropped.save()
    set_policy(project, BOTH)
    assert states()["judge"] == "cancelled"


def test_a_finished_run_whose_budget_is_spent_waits_and_holds_up_nothing(project: Project) -> None:
    spent = run_of("judge")
    runs.work_here(spent, labelling.judge_slice)
    Run.objects.filter(pk=spent.pk).update(money=Decimal(1), budget=Decimal(1))
    made = make_solution(project.problems.get(), ["Another."])
    Reconsideration.objects.ask_for(project, [made.pk])
    catch_up(project)
    assert states() == {"prm": "queued", "judge": "paused"}
    assert (run_of("judge").left, run_of("prm").left) == (1, 5)
    assert not Reconsideration.objects.exists()
    Run.objects.filter(pk=spent.pk).update(budget=Decimal(2))
    assert run_control.resume(spent).state == "queued"


def test_a_labeler_whose_judge_is_gone_holds_up_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    register_model(name="judge", judge="outcome")
    monkeypatch.delitem(JUDGES, "outcome")
    made = make_solution(project.problems.get(), ["Another."])
    Reconsideration.objects.ask_for(project, [made.pk])
    catch_up(project)
    assert run_of("prm").left == 5
    assert not Reconsideration.objects.exists()
    assert "judge could not be asked to mark" in caplog.text


def test_a_policy_that_cannot_be_read_ends_nothing(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(routing={"first": "nobody"})
    assert route_runs.follow_everywhere() == 0
    assert states() == {"prm": "queued", "judge": "queued"}


def test_a_policy_that_cannot_be_read_brings_nothing_back(project: Project) -> None:
    set_policy(project, ONE)
    Project.objects.filter(pk=project.pk).update(routing={"first": "nobody"})
    assert route_runs.follow_everywhere() == 0
    assert states() == {"prm": "queued", "judge": "cancelled"}


def test_an_archived_project_is_left_alone(project: Project) -> None:
    set_policy(project, ONE)
    changes.archive(project)
    Project.objects.filter(pk=project.pk).update(routing=BOTH)
    assert route_runs.follow_everywhere() == 0
    assert states() == {"prm": "paused", "judge": "cancelled"}


@pytest.mark.django_db(transaction=True)
def test_the_sweep_does_not_wait_for_a_project_that_somebody_has_locked(project: Project) -> None:
    free = make_routed(BOTH, n=1)
    catch_up(free)
    Project.objects.update(routing=ONE)
    with transaction.atomic():
        Project.objects.lock(project.pk)
        with ThreadPoolExecutor(1) as other:
            assert other.submit(swept).result(timeout=20) == 1
    assert route_runs.follow_everywhere() == 1


def swept() -> int:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '5s'")
        return route_runs.follow_everywhere()
    finally:
        connection.close()


def test_a_project_that_breaks_keeps_no_other_from_following(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = make_routed(BOTH, n=1)
    catch_up(other)
    Project.objects.update(routing=ONE)
    policy_of = consensus.policy_of

    def breaks(of: Project) -> Policy:
        if of == project:
            raise ValueError("broken")
        return policy_of(of)

    monkeypatch.setattr(consensus, "policy_of", breaks)
    assert route_runs.follow_everywhere() == 1
    assert f"the runs of {project.slug} could not follow its policy" in caplog.text


def test_another_mode_of_marking_ends_what_the_policy_had_begun(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(mode=Project.Mode.EXPLORE)
    assert route_runs.follow_everywhere() == 2
