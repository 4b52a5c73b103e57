"""The overview of a project: how far it is, who does what, and who holds it."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation.models import Project
from tests.factories import (
    make_annotation,
    make_assignment,
    make_labeler,
    make_lease,
    make_problem,
    make_project,
    make_run,
    make_solution,
    make_user,
)
from web.models import User

pytestmark = pytest.mark.django_db
ADDRESS = "/projects/algebra/"


@pytest.fixture
def ada(client: Client) -> User:
    user = make_user("ada")
    client.force_login(user)
    return user


def page(client: Client) -> str:
    """Return the words of the page, one space between each."""
    return " ".join(client.get(ADDRESS).content.decode().split())


def filled(role: str, user: User, solutions: int = 3, **fields: object) -> Project:
    project = make_project("algebra", members={user: role}, **fields)
    problem = make_problem(project)
    for number in range(solutions):
        make_solution(problem, [f"Step {number}."], is_correct=[True, False, None][number % 3])
    return project


def test_an_empty_project_says_how_to_fill_it(client: Client, ada: User) -> None:
    make_project("algebra", members={ada: "manager"})
    assert "manage.py sample --project algebra" in page(client)
    assert "manage.py route --project algebra" in page(client)


def test_what_was_imported_and_not_routed_asks_its_manager_to_route(
    client: Client, ada: User
) -> None:
    project = filled("manager", ada)
    assert "Nothing is given out to people yet" in page(client)
    make_assignment(project.solutions.all()[0], labeler=make_labeler(), is_named=True)
    assert "Nothing is given out to people yet" in page(client)
    client.post(f"{ADDRESS}route/")
    assert "Nothing is given out to people yet" not in page(client)


@pytest.mark.parametrize("role", ["reader", "labeler", "reviewer"])
def test_only_managers_are_asked_to_route(client: Client, ada: User, role: str) -> None:
    filled(role, ada)
    assert "Nothing is given out to people yet" not in page(client)


def test_the_funnel_counts_from_problems_to_marks(client: Client, ada: User) -> None:
    project = filled("manager", ada, solutions=6)
    one, two, three, four, five, _ = project.solutions.order_by("pk")
    replaced = make_annotation(one, make_labeler(user=make_user("bob")), ratings=[1])
    make_annotation(one, replaced.labeler, ratings=[-1], supersedes=replaced)
    make_annotation(one, ratings=[0])
    make_assignment(two)
    make_lease(make_assignment(three), make_labeler())
    make_lease(make_assignment(four), make_labeler(), began_at=None)
    ended = make_lease(make_assignment(five), make_labeler())
    ended.end(ended.Outcome.EXPIRED)
    funnel = client.get(ADDRESS).context["funnel"]
    assert (funnel.problems, funnel.solutions, funnel.marked) == (1, 6, 1)
    assert funnel.waiting == 2, "an open slot, and one that is only claimed ahead"
    assert funnel.in_work == 1


def test_what_models_judged_is_counted_apart_from_what_people_marked(
    client: Client, ada: User
) -> None:
    project = filled("manager", ada)
    one, two, three = project.solutions.order_by("pk")
    judge, bob = make_labeler("judge"), make_labeler("Bob", user=make_user("bob"))
    for solution in (one, two, three):
        make_annotation(solution, judge, ratings=[1])
    make_annotation(one, bob, ratings=[1])
    assert client.get(ADDRESS).context["funnel"].marked == 1
    assert "3 by models" in page(client)


def test_solutions_that_nobody_has_built_yet_are_counted_and_listed_nowhere(
    client: Client, ada: User
) -> None:
    project = filled("manager", ada, solutions=2, mode=Project.Mode.EXPLORE)
    problem = project.problems.get()
    for number in range(4):
        make_solution(problem, [], built=True, text_key=uuid4(), engine=f"built {number}")
    given_up = make_solution(problem, [], built=True, text_key=uuid4(), engine="given up")
    make_annotation(given_up)
    context = client.get(ADDRESS).context
    assert context["funnel"].solutions == 3
    assert sum(part.count for part in context["answers"].whole.parts) == 3
    assert {writer.engine for writer in context["answers"].writers} == {"scripted", "given up"}
    assert client.get("/").context["mine"][0].project.n_solutions == 3
    assert client.get("/projects/").context["page"].rows[0].n_solutions == 3
    assert client.get(f"{ADDRESS}problems/").context["page"].rows[0].n_solutions == 3
    assert len(client.get(f"{ADDRESS}solutions/").context["page"].rows) == 3
    unmarked = client.get(f"{ADDRESS}solutions/?mark=unmarked").context["page"].rows
    assert {solution.engine for solution in unmarked} == {"scripted"}
    assert len(client.get(f"{ADDRESS}problems/{problem.pk}/").context["page"].rows) == 3


def test_a_correction_is_not_in_work_but_is_held(client: Client, ada: User) -> None:
    project = filled("manager", ada)
    solution = project.solutions.first()
    assert solution is not None
    labeler = make_labeler("Bob", user=make_user("bob"))
    annotation = make_annotation(solution, labeler, ratings=[1])
    make_lease(make_assignment(solution), labeler, corrects=annotation)
    context = client.get(ADDRESS).context
    assert context["funnel"].in_work == 0
    assert [lease.corrects_id for lease in context["holds"]] == [annotation.pk]
    assert "correction" in page(client)


def test_grades_are_counted_altogether_and_by_writer(client: Client, ada: User) -> None:
    filled("manager", ada, solutions=6)
    answers = client.get(ADDRESS).context["answers"]
    assert [part.count for part in answers.whole.parts] == [2, 2, 2]
    assert [writer.model for writer in answers.writers] == ["canned"]


def test_a_writer_whose_answers_nobody_graded_is_not_called_wrong(
    client: Client, ada: User
) -> None:
    project = filled("manager", ada, solutions=3)
    assert re.search(r"33 %\s+right", page(client))
    project.solutions.update(is_correct=None)
    text = page(client)
    assert "not graded" in text
    assert not re.search(r"%\s+right", text)


def test_a_labeler_who_may_not_see_the_answer_sees_no_grades(client: Client, ada: User) -> None:
    filled("labeler", ada, show_reference_answer=False)
    assert "Final answers" not in page(client)


def test_each_labeler_has_a_row_with_what_they_did_and_hold(client: Client, ada: User) -> None:
    project = filled("manager", ada)
    one, two, three = project.solutions.order_by("pk")
    bob = make_labeler("Bob", user=make_user("bob"))
    before = timezone.now() - timedelta(hours=3)
    make_annotation(one, bob, ratings=[1], total_time_ms=48_000, submitted_at=before)
    old = make_annotation(two, bob, ratings=[1], total_time_ms=1, submitted_at=before)
    make_annotation(two, bob, ratings=[-1], total_time_ms=90_000, supersedes=old)
    lease = make_lease(make_assignment(three), bob)
    (row,) = client.get(ADDRESS).context["standings"]
    assert (row.name, row.solutions, row.steps, row.median_ms) == ("Bob", 2, 2, 48_000)
    assert [part.count for part in row.marks.parts] == [1, 0, 1, 0]
    assert (row.holding, row.held_until) == (1, lease.until)
    words = page(client)
    assert "48 s" in words
    assert "1, until" in words


def test_steps_without_a_mark_are_not_counted_and_unsure_ones_are(
    client: Client, ada: User
) -> None:
    project = filled("manager", ada, solutions=0)
    solution = make_solution(make_problem(project), ["One.", "Two.", "Three."])
    annotation = make_annotation(solution, ratings=[1, None, None])
    annotation.labels.filter(step__position=2).update(flagged=True)
    context = client.get(ADDRESS).context
    assert context["standings"][0].steps == 2
    assert context["throughput"].total == 2


def test_a_labeler_reads_only_their_own_part(client: Client, ada: User) -> None:
    project = filled("labeler", ada)
    one, two, three = project.solutions.order_by("pk")
    judge, own = make_labeler("the judge"), make_labeler("Ada L.", user=ada)
    make_annotation(one, judge, ratings=[1])
    make_annotation(one, own, ratings=[0])
    make_lease(make_assignment(two), judge)
    make_lease(make_assignment(three), own)
    words = page(client)
    assert "Ada L." in words
    assert "the judge" not in words
    context = client.get(ADDRESS).context
    assert context["throughput"].total == 1
    assert [lease.labeler for lease in context["holds"]] == [own]
    assert context["funnel"].in_work == 2


def test_days_are_those_of_the_readers_time_zone(client: Client, ada: User) -> None:
    ada.time_zone = "Pacific/Kiritimati"
    ada.save()
    project = filled("manager", ada)
    solution = project.solutions.first()
    assert solution is not None
    make_annotation(solution, ratings=[1])
    ahead = (timezone.now() + timedelta(hours=14)).date()
    plot = client.get(ADDRESS).context["throughput"]
    assert plot.columns[-1].day == ahead
    assert plot.columns[-1].total == 1
    assert len(plot.columns) == 14


def test_what_was_marked_long_ago_is_in_no_column(client: Client, ada: User) -> None:
    project = filled("manager", ada)
    solution = project.solutions.first()
    assert solution is not None
    make_annotation(solution, ratings=[1], submitted_at=timezone.now() - timedelta(days=15))
    assert client.get(ADDRESS).context["throughput"].total == 0
    assert "No step was marked in the last 14 days." in page(client)


def test_the_plot_can_be_read_without_seeing_it(client: Client, ada: User) -> None:
    project = filled("manager", ada)
    for solution in project.solutions.all():
        make_annotation(solution, ratings=[1])
    words = page(client)
    assert f"{timezone.localdate():%m/%d/%Y}: 3" in words
    assert "As a table" in words


@pytest.mark.parametrize(
    ("role", "buttons"),
    [
        ("manager", {"Route", "Pause", "Release", "Label"}),
        ("reviewer", {"Label"}),
        ("labeler", {"Label"}),
        ("reader", set()),
    ],
)
def test_everyone_is_offered_what_they_may_do(
    client: Client, ada: User, role: str, buttons: set[str]
) -> None:
    project = filled(role, ada)
    solution = project.solutions.first()
    assert solution is not None
    make_lease(make_assignment(solution), make_labeler())
    words = page(client)
    offered = {"Route", "Pause", "Release", "Label"}
    assert {b for b in offered if f">{b}</button>" in words or f">{b}</a>" in words} == buttons


@pytest.mark.parametrize("state", ["running", "paused", "archived"])
def test_the_head_says_whether_work_is_given_out(client: Client, ada: User, state: str) -> None:
    now = timezone.now()
    fields: dict[str, dict[str, Any]] = {
        "running": {},
        "paused": {"paused_at": now},
        "archived": {"archived_at": now},
    }
    filled("manager", ada, **fields[state])
    words = page(client)
    assert f">{state}</span>" in words
    assert (">Resume</button>" in words) == (state == "paused")
    assert (">Route</button>" in words) == (state != "archived")


def test_a_hold_that_has_run_out_says_so(client: Client, ada: User) -> None:
    project = filled("manager", ada)
    solution = project.solutions.first()
    assert solution is not None
    past = timezone.now() - timedelta(minutes=1)
    make_lease(make_assignment(solution), make_labeler(), until=past)
    assert "run out" in page(client)


def test_the_overview_says_why_a_run_failed(client: Client, ada: User) -> None:
    project = filled("manager", ada)
    errors = {"the server answered 503": 36, "items": 1}
    make_run(project, state="failed", failed=37, total=99, errors=errors, error="no such model")
    words = page(client)
    assert "37 failed" in words
    assert "the server answered 503 <small>× 36</small>" in words
    assert "items <small>× 1</small>" in words
    assert "no such model" in words


@pytest.mark.parametrize("role", ["labeler", "reviewer", "reader"])
def test_why_a_run_failed_is_for_managers(client: Client, ada: User, role: str) -> None:
    project = filled(role, ada)
    errors = {"10.0.0.7 answered 503": 37}
    make_run(project, state="running", failed=37, total=99, errors=errors, error="no such model")
    for words in (page(client), client.get("/").content.decode()):
        assert "37 failed" in words
        assert "10.0.0.7" not in words
        assert "no such model" not in words


def test_the_page_takes_as_many_queries_for_much_as_for_little(client: Client, ada: User) -> None:
    project = filled("manager", ada, solutions=12)
    counts = []
    for solutions in (project.solutions.order_by("pk")[:2], project.solutions.order_by("pk")[2:]):
        for solution in solutions:
            make_annotation(solution, make_labeler(user=make_user()), ratings=[1])
            make_lease(make_assignment(solution), make_labeler(user=make_user()))
            make_run(project, state="running")
        with CaptureQueriesContext(connection) as queries:
            client.get(ADDRESS)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 36


def test_what_takes_too_long_to_count_is_left_out_and_said(
    client: Client, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled("manager", ada)
    monkeypatch.setattr("annotation.overview.LONGEST_COUNT_MS", 200)
    monkeypatch.setattr("annotation.overview.throughput", slow)
    words = page(client)
    assert "There is too much in this project" in words
    assert "Funnel" in words


def test_without_the_marks_the_rest_of_a_labelers_part_is_shown(
    client: Client, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = filled("manager", ada)
    solution = project.solutions.first()
    assert solution is not None
    make_annotation(solution, make_labeler("Bob", user=make_user("bob")), total_time_ms=48_000)
    monkeypatch.setattr("annotation.standings._spreads", lambda annotations: slow(project, ada))
    monkeypatch.setattr("annotation.overview.LONGEST_COUNT_MS", 200)
    words = page(client)
    assert "48 s" in words
    assert "There is too much in this project" in words


def slow(project: Project, user: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")
