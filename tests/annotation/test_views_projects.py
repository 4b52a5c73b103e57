import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from annotation.models import Assignment, Project
from tests.factories import (
    make_annotation,
    make_labeler,
    make_problem,
    make_project,
    make_run,
    make_solution,
    make_user,
)
from web.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client: Client) -> User:
    user = make_user("ada")
    client.force_login(user)
    return user


def page(client: Client, address: str) -> str:
    """Return the words of a page, one space between each."""
    return " ".join(client.get(address).content.decode().split())


def fill(project: Project, solutions: int = 3) -> None:
    problem = make_problem(project)
    for number in range(solutions):
        make_solution(problem, [f"Step {number}."], is_correct=[True, False, None][number % 3])


def test_the_first_page_of_a_newcomer_says_how_to_begin(client: Client, ada: User) -> None:
    assert "manage.py import_problems" in page(client, "/")


def test_the_first_page_shows_my_projects_with_their_counts(client: Client, ada: User) -> None:
    fill(make_project("algebra", members={ada: "reader"}))
    fill(make_project("geometry"))
    words = page(client, "/")
    assert "<b>1</b> problems" in words
    assert "<b>3</b> solutions" in words
    assert "you are reader" in words
    assert "Geometry" not in words


def test_the_first_page_shows_what_runs_now(client: Client, ada: User) -> None:
    project = make_project(members={ada: "reader"})
    make_run(project, state="running", done=3, total=8)
    make_run(project, state="finished", done=7077, total=7077)
    make_run(make_project(), state="running", done=5055, total=6066)
    words = page(client, "/")
    assert "3 / 8" in words
    assert "7,077" not in words
    assert "5,055" not in words


def test_the_list_has_archived_projects_the_first_page_has_not(client: Client, ada: User) -> None:
    project = make_project("algebra", members={ada: "manager"})
    project.archived_at = project.created_at
    project.save()
    assert "Algebra" not in page(client, "/")
    words = page(client, "/projects/")
    assert "Algebra" in words
    assert "archived" in words


def test_an_empty_project_says_how_to_fill_it(client: Client, ada: User) -> None:
    make_project("algebra", members={ada: "manager"})
    assert "manage.py sample --project algebra" in page(client, "/projects/algebra/")


def test_the_overview_counts_from_problems_to_marks(client: Client, ada: User) -> None:
    project = make_project("algebra", members={ada: "manager"})
    fill(project, solutions=6)
    one, two = project.solutions.order_by("pk")[:2]
    replaced = make_annotation(one, ratings=[1])
    make_annotation(one, replaced.labeler, ratings=[-1], supersedes=replaced)
    make_annotation(one, ratings=[0])
    Assignment.objects.create(project=project, solution=two)
    context = client.get("/projects/algebra/").context
    funnel = context["funnel"]
    assert (funnel.problems, funnel.solutions, funnel.right, funnel.wrong) == (1, 6, 2, 2)
    assert (funnel.marked, funnel.waiting) == (1, 1)
    spread = [[part.count for part in balance.marks.parts] for balance in context["balances"]]
    assert sorted(spread) == [[0, 0, 1, 0], [0, 1, 0, 0]]


def test_the_overview_says_why_a_run_failed(client: Client, ada: User) -> None:
    project = make_project("algebra", members={ada: "manager"})
    fill(project)
    errors = {"the server answered 503": 36, "items": 1}
    make_run(project, state="failed", failed=37, total=99, errors=errors, error="no such model")
    words = page(client, "/projects/algebra/")
    assert "37 failed" in words
    assert "the server answered 503 <small>× 36</small>" in words
    assert "items <small>× 1</small>" in words
    assert "no such model" in words


def test_a_labeler_reads_only_their_own_balance(client: Client, ada: User) -> None:
    project = make_project("algebra", members={ada: "labeler"})
    fill(project)
    solution = project.solutions.first()
    assert solution is not None
    make_annotation(solution, make_labeler("the judge"), ratings=[1])
    make_annotation(solution, make_labeler("Ada L.", user=ada), ratings=[0])
    words = page(client, "/projects/algebra/")
    assert "Ada L." in words
    assert "the judge" not in words


@pytest.mark.parametrize("address", ["/", "/projects/", "/projects/algebra/"])
def test_a_page_takes_few_queries_whatever_it_shows(
    client: Client,
    ada: User,
    address: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for slug in ("algebra", "geometry", "topology"):
        project = make_project(slug, members={ada: "manager"})
        fill(project, solutions=9)
        for solution in project.solutions.all():
            make_annotation(solution, ratings=[1])
        make_run(project, state="running")
    with django_assert_max_num_queries(12):
        client.get(address)


def test_names_are_text_and_never_markup(client: Client, ada: User) -> None:
    name = "<img src=x onerror=alert(1)>"
    project = make_project("algebra", members={ada: "manager"}, name=name)
    fill(project)
    solution = project.solutions.first()
    assert solution is not None
    make_annotation(solution, make_labeler(name), ratings=[1])
    make_run(project, state="failed", error=name, errors={name: 1}, request={"name": name})
    for address in ("/", "/projects/", "/projects/algebra/"):
        words = page(client, address)
        assert "<img src=x" not in words
        assert "&lt;img src=x" in words
