"""The pages of a project's runs: who starts them, what they show, and the buttons."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from annotation import labelling, runs
from annotation.models import Assignment, Project, Run
from annotation.runs import Made
from labelers.judges import JUDGES
from labelers.models import Labeler
from labelers.registration import register_model
from tests.annotation.managing import client_of, manager_of, member_of, outsider
from tests.annotation.test_run_control import Asking, fail_all
from tests.factories import make_problem, make_project, make_run, make_solution, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    project = make_project("eggs")
    problem = make_problem(project)
    for number in range(3):
        make_solution(problem, [f"{number} + 1 = {number + 1}"])
    return project


@pytest.fixture
def manager(project: Project) -> Client:
    return manager_of(project)


@pytest.fixture
def labeler() -> Labeler:
    return register_model(name="arithmetic", judge="arithmetic")


def text(client: Client, address: str = "/projects/eggs/runs/") -> str:
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def address(run: Run, act: str = "") -> str:
    return f"/projects/eggs/runs/{run.pk}/{act}"


def said(client: Client, run: Run, act: str, **sent: str) -> str:
    """Press a button; return the page that follows."""
    response = client.post(address(run, act), sent, follow=True)
    assert response.redirect_chain == [(address(run), 302)]
    return response.content.decode()


def test_a_cost_that_rests_on_estimates_says_so(
    project: Project, manager: Client, labeler: Labeler
) -> None:
    run = labelling.request(project=project, labeler=labeler)
    Run.objects.update(calls=1_300, prompt_tokens=5_000, completion_tokens=900)
    assert "estimated" not in text(manager, address(run))
    Run.objects.update(estimated_calls=1_200)
    assert "tokens of 1,200 calls estimated" in text(manager, address(run))


def test_a_manager_starts_a_run_from_the_projects_page(
    project: Project, manager: Client, labeler: Labeler
) -> None:
    assert "Mark every solution" in text(manager, "/projects/eggs/")
    response = manager.post("/projects/eggs/runs/", {"labeler": str(labeler.uuid)})
    run = Run.objects.get()
    assert response.headers["Location"] == address(run)
    assert (run.total, run.state) == (3, "queued")
    assert run.created_by is not None
    page = text(manager, address(run))
    assert "0 % of 3" in page
    assert "data-refresh" in page


def test_nobody_else_starts_one(project: Project, labeler: Labeler) -> None:
    for client, status in (
        (member_of(project, "reviewer"), 403),
        (outsider(), 404),
        (Client(), 302),
    ):
        sent = {"labeler": str(labeler.uuid)}
        assert client.post("/projects/eggs/runs/", sent).status_code == status
    assert "Mark every solution" not in text(member_of(project, "reviewer"), "/projects/eggs/")
    assert not Run.objects.exists()


def test_a_labeler_that_is_not_there_is_refused(manager: Client, labeler: Labeler) -> None:
    page = manager.post("/projects/eggs/runs/", {"labeler": "nobody"}).content.decode()
    assert "Select a valid choice" in page
    assert not Run.objects.exists()


def test_only_superusers_let_an_engine_mark(
    project: Project, manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(JUDGES, "asking", Asking)
    price = {"prompt_per_1k": 1, "completion_per_1k": 1, "currency": "USD"}
    asking = register_model(
        name="asking", judge="asking", config={"engine": "scripted", "price": price}
    )
    sent = {"labeler": str(asking.uuid), "budget": "4.50"}
    assert "asking" not in text(manager)
    manager.post("/projects/eggs/runs/", sent)
    assert not Run.objects.exists()
    client_of(make_user(is_superuser=True)).post("/projects/eggs/runs/", sent)
    run = Run.objects.get()
    assert run.budget == Decimal("4.50")
    assert "Paused." in said(manager, run, "pause/")
    assert "Resume" not in text(manager, address(run))
    assert manager.post(address(run, "resume/")).status_code == 403
    assert manager.post(address(run, "retry/")).status_code == 403


def test_the_buttons_do_what_they_say_and_say_when_they_cannot(
    project: Project, manager: Client, labeler: Labeler
) -> None:
    run = labelling.request(project=project, labeler=labeler)
    for act, words, state in (
        ("pause/", "Paused.", "paused"),
        ("pause/", "nothing to pause", "paused"),
        ("resume/", "It goes on.", "queued"),
        ("resume/", "going on already", "queued"),
        ("retry/", "Nothing of this run has failed", "queued"),
        ("cancel/", "Cancelled.", "cancelled"),
        ("cancel/", "ended already", "cancelled"),
    ):
        assert words in said(manager, run, act), act
        run.refresh_from_db()
        assert run.state == state
    assert manager.get(address(run, "pause/")).status_code == 405


def test_a_failed_solution_is_linked_with_its_reason(
    project: Project, manager: Client, labeler: Labeler
) -> None:
    run = labelling.request(project=project, labeler=labeler)
    fail_all(run, "the <b>server</b> said no")
    page = text(manager, address(run))
    for solution in project.solutions.all():
        assert f'href="/projects/eggs/solutions/{solution.pk}/"' in page
    assert page.count("the &lt;b&gt;server&lt;/b&gt; said no") == 4, "three, and their count"
    assert "data-refresh" not in page
    assert "What failed is tried again." in said(manager, run, "retry/")
    assert not Assignment.objects.filter(state=Assignment.State.FAILED).exists()


def test_a_problem_that_could_not_be_drawn_is_linked(project: Project, manager: Client) -> None:
    run = make_run(project, state="finished", total=2, failed=2)
    problem = project.problems.get()
    failures = [{"entry": [problem.pk, n], "reason": "refused", "transient": False} for n in (0, 1)]
    run.slices.create(number=0, payload=[], state="finished", failures=failures)
    assert f'href="/projects/eggs/problems/{problem.pk}/"' in text(manager, address(run))


def test_pace_time_left_cost_and_errors_are_shown(project: Project, manager: Client) -> None:
    request = {"name": "critic", "judge": "arithmetic", "currency": "USD"}
    run = make_run(
        project,
        kind=Run.Kind.LABELLING,
        request=request,
        state=Run.State.RUNNING,
        total=1_500,
        done=400,
        failed=100,
        errors={"too long": 100},
        money=Decimal("1.25"),
        budget=Decimal(4),
        at_once=2,
        started_at=timezone.now() - timedelta(minutes=30),
    )
    soon = timezone.now() - timedelta(minutes=1)
    run.slices.create(number=0, payload=[], state="finished", settled=500, finished_at=soon)
    run.slices.create(number=1, payload=[9], tries=1, failures=[{"reason": "busy"}])
    page = text(manager, address(run))
    for words in (
        "33 % of 1,500",
        "10 min left",
        "<dd>100</dd></div> <div><dt>spent<small>of 4.00 USD</small></dt><dd>1.25</dd>",
        "too long",
        "1 waits to be tried again",
        "busy",
        "slowed this run: 2 batches at a time",
    ):
        assert words in page, words


def test_a_spent_budget_is_said_and_raised(project: Project, manager: Client) -> None:
    price = {"prompt_per_1k": 1, "completion_per_1k": 1, "currency": "USD"}
    priced = register_model(name="priced", judge="arithmetic", config={"price": price})
    run = labelling.request(project=project, labeler=priced, budget=Decimal(1))
    Run.objects.update(money=Decimal(1), state=Run.State.PAUSED)
    assert "The budget is spent. Raise it to go on." in text(manager, address(run))
    assert "The budget is spent: 1.00 of 1.00 USD" in said(manager, run, "resume/")
    assert "greater than or equal to 0.01" in said(manager, run, "resume/", budget="-1")
    assert "It goes on." in said(manager, run, "resume/", budget="2.50")
    run.refresh_from_db()
    assert (run.state, run.budget) == ("queued", Decimal("2.50"))


def test_the_list_shows_the_newest_first_in_pages(project: Project, manager: Client) -> None:
    made = [make_run(project) for _ in range(52)]
    first = manager.get("/projects/eggs/runs/").context["page"]
    assert [run.pk for run in first.rows] == [run.pk for run in reversed(made[2:])]
    second = manager.get(f"/projects/eggs/runs/{first.next}").context["page"]
    assert [run.pk for run in second.rows] == [made[1].pk, made[0].pk]
    back = manager.get(f"/projects/eggs/runs/{second.previous}").context["page"]
    assert [run.pk for run in back.rows] == [run.pk for run in first.rows]


def test_a_run_of_another_project_is_not_found(manager: Client) -> None:
    other = make_run(make_project("milk"))
    for act in ("pause/", "cancel/", "resume/", "retry/"):
        assert manager.post(address(other, act)).status_code == 404
    assert manager.get(address(other)).status_code == 404


def test_what_was_done_ends_the_refreshing(
    project: Project, manager: Client, labeler: Labeler
) -> None:
    run = labelling.request(project=project, labeler=labeler)
    piece = runs.claim(run.pk)
    assert piece is not None
    runs.finish(piece, lambda: Made(done=3), work_ms=5)
    page = text(manager, address(run))
    assert "100 % of 3" in page
    assert "data-refresh" not in page
