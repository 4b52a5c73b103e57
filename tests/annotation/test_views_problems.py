import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from annotation.models import Project
from tests.factories import make_annotation, make_problem, make_project, make_solution, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(client: Client) -> Project:
    user = make_user("ada")
    client.force_login(user)
    return make_project("algebra", members={user: "manager"})


def listed(client: Client, query: str = "") -> list[str]:
    response = client.get(f"/projects/algebra/problems/{query}")
    assert response.status_code == 200
    return [problem.text for problem in response.context["page"].rows]


def test_problems_come_fifty_a_page_in_order(client: Client, project: Project) -> None:
    ids = [make_problem(project, f"Problem {n}?").pk for n in range(53)]
    assert listed(client) == [f"Problem {n}?" for n in range(50)]
    assert listed(client, f"?after={ids[49]}") == [f"Problem {n}?" for n in range(50, 53)]
    assert listed(client, f"?before={ids[50]}") == [f"Problem {n}?" for n in range(50)]


def test_a_bad_cursor_is_a_clear_bad_request(client: Client, project: Project) -> None:
    response = client.get("/projects/algebra/problems/?after=<b>x</b>")
    assert response.status_code == 400
    assert "not a page that we link to" in response.content.decode()
    assert "<b>x" not in response.content.decode()


def test_problems_narrow_to_a_split_and_a_level(client: Client, project: Project) -> None:
    make_problem(project, "One?", split="train", level="1")
    make_problem(project, "Two?", split="train", level="2")
    make_problem(project, "Three?", split="test", level="2")
    make_problem(make_project(), "Elsewhere?", split="train", level="2")
    assert listed(client, "?split=train") == ["One?", "Two?"]
    assert listed(client, "?split=train&level=2") == ["Two?"]


def test_problems_are_found_by_words_in_any_case_or_by_id(client: Client, project: Project) -> None:
    make_problem(project, "How many EGGS?", external_id="test/7")
    make_problem(project, "How many hens?")
    assert listed(client, "?text=eggs") == ["How many EGGS?"]
    assert listed(client, "?text=test/7") == ["How many EGGS?"]
    assert listed(client, "?text=100%25_") == []


@pytest.mark.parametrize(
    "query", ["?text=a%00b", "?split=nowhere", "?text=x", f"?text={'x' * 101}"]
)
def test_a_question_that_makes_no_sense_finds_nothing_and_says_why(
    client: Client, project: Project, query: str
) -> None:
    make_problem(project)
    assert listed(client, query) == []
    assert 'class="errorlist"' in client.get(f"/projects/algebra/problems/{query}").content.decode()


@pytest.mark.parametrize(
    "query", ["?project=2", "?text__regex=.*", "?project__memberships__user__password=x", "?id=1"]
)
def test_no_other_question_is_understood(client: Client, project: Project, query: str) -> None:
    make_problem(project, "One?")
    assert listed(client, query) == ["One?"]


def test_a_problem_shows_its_solutions_by_their_answer(client: Client, project: Project) -> None:
    problem = make_problem(project, "How many eggs?", reference_solution="Count them.")
    make_solution(problem, ["A.", "B."], is_correct=False, final_answer="17", model="small")
    make_solution(problem, ["C."], is_correct=True, final_answer="18", times_drawn=3)
    response = client.get(f"/projects/algebra/problems/{problem.pk}/")
    titles = [title for title, _ in response.context["groups"]]
    assert titles == ["Right answer", "Wrong answer"]
    words = " ".join(response.content.decode().split())
    for text in ("How many eggs?", "Count them.", "drawn 3 times", "small", "2 steps", "<b>17</b>"):
        assert text in words


def test_a_labeler_sees_no_reference_where_the_project_hides_it(client: Client) -> None:
    user = make_user()
    client.force_login(user)
    project = make_project("blind", members={user: "labeler"}, show_reference_answer=False)
    problem = make_problem(project, "Eggs?", reference_answer="4711", reference_solution="Sum.")
    make_solution(problem, is_correct=True, verifier_score=0.9)
    solution = make_solution(problem, ["X."], is_correct=False)
    addresses = (
        "",
        "problems/",
        f"problems/{problem.pk}/",
        "solutions/",
        f"solutions/{solution.pk}/",
    )
    for address in addresses:
        words = client.get(f"/projects/blind/{address}").content.decode()
        for secret in ("4711", "Sum.", "wrong", "right"):
            assert secret not in words
    assert "Eggs?" in words
    assert client.get("/projects/blind/solutions/?answer=right").status_code == 400


def test_the_reference_solution_is_for_those_who_read_everybodys_marks(client: Client) -> None:
    people = {role: make_user(role) for role in ("labeler", "reviewer", "reader", "manager")}
    project = make_project("shown", members={user: role for role, user in people.items()})
    problem = make_problem(project, "Eggs?", reference_answer="4711", reference_solution="Sum up.")
    solution = make_solution(problem, verifier_score=0.625)
    for role, user in people.items():
        client.force_login(user)
        of_problem, of_solution = (
            client.get(f"/projects/shown/{address}/").content.decode()
            for address in (f"problems/{problem.pk}", f"solutions/{solution.pk}")
        )
        assert "4711" in of_problem
        assert "4711" in of_solution
        assert ("Sum up." in of_problem) == (role != "labeler")
        assert ("Sum up." in of_solution) == (role != "labeler")
        assert ("0.625" in of_solution) == (role != "labeler")


@pytest.mark.parametrize("count", [1, 40])
def test_the_pages_take_few_queries_whatever_they_show(
    client: Client,
    project: Project,
    count: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    problem = make_problem(project)
    for number in range(count):
        make_problem(project)
        make_annotation(make_solution(problem, [f"Step {number}."]), ratings=[1])
    with django_assert_max_num_queries(11):
        client.get("/projects/algebra/problems/")
    with django_assert_max_num_queries(11):
        client.get(f"/projects/algebra/problems/{problem.pk}/")


def test_the_lists_cut_no_formula_open(client: Client, project: Project) -> None:
    problem = make_problem(project, "How many? " * 38 + r"Let $x = \frac{1}{2} + y$ be so.")
    make_solution(problem)
    for address in ("problems/", "solutions/"):
        page = client.get(f"/projects/algebra/{address}").content.decode()
        assert "Let…" in page
        assert "frac" not in page
