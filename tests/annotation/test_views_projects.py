import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from annotation.models import Project
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
    assert "you are Reader" in words
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


@pytest.mark.parametrize("address", ["/", "/projects/"])
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
