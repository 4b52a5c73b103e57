import pytest
from django.db import connection
from django.test import Client

from annotation.models import Annotation, Problem, Project, Solution
from annotation.solution_page import neighbours
from tests.factories import (
    make_annotation,
    make_label,
    make_labeler,
    make_problem,
    make_project,
    make_solution,
    make_step,
    make_user,
)
from web import pages
from web.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client: Client) -> User:
    user = make_user("ada")
    client.force_login(user)
    return user


@pytest.fixture
def project(ada: User) -> Project:
    return make_project("algebra", members={ada: "reader"})


@pytest.fixture
def problem(project: Project) -> Problem:
    return make_problem(project)


def make_solutions(problem: Problem, number: int) -> list[Solution]:
    return [make_solution(problem, [f"Step {n}.", f"So {n}."]) for n in range(number)]


def listed(client: Client, query: str) -> list[Solution]:
    response = client.get(f"/projects/algebra/solutions/{query}")
    assert response.status_code == 200, response.content
    return list(response.context["page"].rows)


def test_solutions_narrow_to_an_answer_and_a_model(client: Client, problem: Problem) -> None:
    right = make_solution(problem, ["A."], is_correct=True, model="small")
    wrong = make_solution(problem, ["B."], is_correct=False, model="large")
    unknown = make_solution(problem, ["C."], model="large")
    assert listed(client, "") == [right, wrong, unknown]
    assert listed(client, "?answer=right") == [right]
    assert listed(client, "?answer=unknown") == [unknown]
    assert listed(client, "?model=large&answer=wrong") == [wrong]
    assert listed(client, "?model=none-such") == []


def test_the_newest_come_first_where_asked(client: Client, problem: Problem) -> None:
    solutions = make_solutions(problem, 3)
    assert listed(client, "?order=newest") == solutions[::-1]
    assert listed(client, f"?order=newest&after={solutions[1].pk}") == [solutions[0]]


def test_solutions_narrow_to_the_marks_they_contain(client: Client, problem: Problem) -> None:
    bad, okay, great, none = make_solutions(problem, 4)
    make_annotation(bad, ratings=[1, -1])
    make_annotation(bad, ratings=[-1])
    make_annotation(okay, ratings=[0, 1])
    flagged = make_annotation(great, ratings=[1, None])
    flagged.labels.filter(rating=None).update(flagged=True)
    assert listed(client, "?mark=bad") == [bad]
    assert listed(client, "?mark=okay") == [okay]
    assert listed(client, "?mark=flagged") == [great]
    assert listed(client, "?mark=great") == [bad, okay, great]
    assert listed(client, f"?mark=great&after={bad.pk}") == [okay, great]
    assert listed(client, f"?mark=great&labeler={flagged.labeler.uuid}") == [great]
    assert listed(client, "?mark=unmarked") == [none]


def test_a_mark_on_another_candidate_counts_too(client: Client, problem: Problem) -> None:
    (solution,) = make_solutions(problem, 1)
    annotation = make_annotation(solution, ratings=[1])
    make_label(annotation, make_step(solution, 0, "Or so.", alternative=1), -1)
    assert listed(client, "?mark=bad") == [solution]


def test_solutions_narrow_to_finish_reason_and_reported_splits(
    client: Client, problem: Problem
) -> None:
    gave_up, split, _none = make_solutions(problem, 3)
    make_annotation(gave_up, finish_reason="give_up")
    make_annotation(split, ratings=[1, -1], finish_reason="found_error", bad_splits=[0])
    assert listed(client, "?reason=give_up") == [gave_up]
    assert listed(client, "?reason=found_error") == [split]
    assert listed(client, "?bad_split=yes") == [split]
    assert listed(client, "?bad_split=yes&reason=give_up") == []


def test_what_is_asked_of_marks_is_asked_of_one_annotation(
    client: Client, problem: Problem
) -> None:
    first, second = make_solutions(problem, 2)
    emmy, sonya = make_labeler("Emmy"), make_labeler("Sonya")
    make_annotation(first, emmy, ratings=[-1], finish_reason="found_error")
    make_annotation(first, sonya, ratings=[1, 1], finish_reason="solution")
    make_annotation(second, emmy, ratings=[1, 1], finish_reason="solution")
    assert listed(client, f"?labeler={emmy.uuid}") == [first, second]
    assert listed(client, f"?labeler={sonya.uuid}") == [first]
    assert listed(client, f"?labeler={sonya.uuid}&mark=bad") == []
    assert listed(client, f"?labeler={emmy.uuid}&mark=bad&reason=found_error") == [first]
    assert listed(client, f"?labeler={emmy.uuid}&reason=solution") == [second]


def test_superseded_work_is_not_found(client: Client, problem: Problem) -> None:
    (solution,) = make_solutions(problem, 1)
    first = make_annotation(solution, ratings=[-1], finish_reason="found_error", bad_splits=[0])
    make_annotation(
        solution, first.labeler, ratings=[1, 1], finish_reason="solution", supersedes=first
    )
    for query in ("?mark=bad", "?reason=found_error", "?bad_split=yes", "?mark=unmarked"):
        assert listed(client, query) == []
    assert listed(client, "?mark=great") == [solution]
    assert listed(client, "?reason=solution") == [solution]


def test_words_are_found_in_problem_and_steps_alone(client: Client, project: Project) -> None:
    in_problem = make_solution(make_problem(project, "A shelf of Books."), ["One."])
    in_step = make_solution(make_problem(project, "A shelf."), ["Two books fall.", "So two."])
    make_solution(make_problem(project, "A wall."), ["One."], prompt_text="books")
    assert listed(client, "?text=bOOks") == [in_problem, in_step]
    assert listed(client, "?text=books&order=newest") == [in_step, in_problem]
    assert listed(client, "?text=100%25") == []
    make_annotation(in_step, ratings=[-1])
    assert listed(client, "?text=books&mark=bad") == [in_step]


def test_nobody_is_the_labeler_of_what_nobody_marked(client: Client, problem: Problem) -> None:
    marked, _unmarked = make_solutions(problem, 2)
    annotation = make_annotation(marked, ratings=[1], finish_reason="solution")
    for also in (f"labeler={annotation.labeler.uuid}", "reason=solution", "bad_split=yes"):
        page = client.get(f"/projects/algebra/solutions/?mark=unmarked&{also}")
        assert page.context["page"].rows == []
        assert "What nobody marked" in page.content.decode()


@pytest.mark.parametrize(
    "query",
    ["problem__text__startswith=A", "is_correct=1", "model__startswith=s", "order_by=pk",
     "annotations__labeler=1", "project=geometry", "mark=bad&mark=okay", "page=2", "x"],
)  # fmt: skip
def test_what_is_not_on_the_list_is_refused(client: Client, problem: Problem, query: str) -> None:
    (solution,) = make_solutions(problem, 1)
    for address in ("solutions/", f"solutions/{solution.pk}/"):
        assert client.get(f"/projects/algebra/{address}?{query}").status_code == 400


@pytest.mark.parametrize("query", ["order=pk", "mark=grand", "reason=x", "labeler=1", "answer=x"])
def test_a_value_that_is_no_choice_finds_nothing_and_says_so(
    client: Client, problem: Problem, query: str
) -> None:
    make_solutions(problem, 1)
    response = client.get(f"/projects/algebra/solutions/?{query}")
    assert response.context["page"].rows == []
    assert "Select a valid choice" in response.content.decode()


def test_a_labeler_filters_on_their_own_marks_alone(client: Client) -> None:
    grace = make_user("grace")
    project = make_project("algebra", members={grace: "labeler"})
    first, second = make_solutions(make_problem(project), 2)
    judge = make_labeler("the judge")
    make_annotation(first, judge, ratings=[1, -1], finish_reason="found_error", bad_splits=[0])
    make_annotation(second, make_labeler(user=grace), ratings=[0], finish_reason="give_up")
    client.force_login(grace)
    assert listed(client, "?mark=bad") == []
    assert listed(client, "?mark=okay") == [second]
    assert listed(client, "?reason=found_error") == []
    assert listed(client, "?reason=give_up") == [second]
    assert listed(client, "?bad_split=yes") == []
    assert listed(client, "?mark=unmarked") == []
    assert listed(client, "?mark=great") == []
    refused = client.get(f"/projects/algebra/solutions/?labeler={judge.uuid}")
    assert refused.status_code == 400
    assert "the judge" not in client.get("/projects/algebra/solutions/").content.decode()


def test_a_labeler_without_marks_finds_none(client: Client) -> None:
    grace = make_user("grace")
    project = make_project("algebra", members={grace: "labeler"})
    make_annotation(make_solution(make_problem(project)), ratings=[-1])
    client.force_login(grace)
    assert listed(client, "?mark=bad") == []


def test_other_projects_are_never_found(client: Client, problem: Problem) -> None:
    other = make_solution(make_problem(make_project("geometry")), model="alien")
    make_annotation(other, make_labeler("a stranger"), ratings=[-1], finish_reason="found_error")
    make_solution(make_problem(other.project))
    for query in ("", "?mark=bad", "?mark=unmarked", "?reason=found_error"):
        assert listed(client, query) == []
    page = client.get("/projects/algebra/solutions/").content.decode()
    assert "alien" not in page
    assert "a stranger" not in page


def test_pages_of_a_filter_meet_each_solution_once(
    client: Client, problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages.page_by, "__kwdefaults__", {"page_size": 2})
    bad = make_solutions(problem, 5)
    for solution in bad:
        make_annotation(solution, ratings=[-1])
        make_annotation(solution, ratings=[-1])
    query, seen = "?mark=bad", []
    while query:
        page = client.get(f"/projects/algebra/solutions/{query}").context["page"]
        seen.append(page.rows)
        query, last = page.next, page
    assert seen == [bad[:2], bad[2:4], bad[4:]]
    back = client.get(f"/projects/algebra/solutions/{last.previous}").context["page"]
    assert back.rows == bad[2:4]


def test_a_row_leads_on_within_the_filter(client: Client, problem: Problem) -> None:
    solutions = make_solutions(problem, 5)
    for solution in (solutions[0], solutions[2], solutions[4]):
        make_annotation(solution, ratings=[-1])
    page = client.get("/projects/algebra/solutions/?mark=bad&text=").content.decode()
    address = f"/projects/algebra/solutions/{solutions[2].pk}/?mark=bad"
    assert f'href="{address}"' in page
    beside = client.get(address).context["beside"]
    assert (beside.previous, beside.next) == (solutions[0].pk, solutions[4].pk)
    newest = client.get(f"{address}&order=newest").context["beside"]
    assert (newest.previous, newest.next) == (solutions[4].pk, solutions[0].pk)
    plain = client.get(f"/projects/algebra/solutions/{solutions[2].pk}/").context["beside"]
    assert (plain.previous, plain.next) == (solutions[1].pk, solutions[3].pk)
    assert (
        client.get(f"/projects/algebra/solutions/{solutions[4].pk}/?mark=bad")
        .context["beside"]
        .next
        is None
    )


def test_a_page_opens_though_its_neighbours_cannot_be_found_in_time(
    ada: User, problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    (solution,) = make_solutions(problem, 1)

    def too_long(*arguments: object, **options: object) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(10)")
        return []

    monkeypatch.setattr("annotation.solution_page.NEIGHBOUR_PATIENCE_MS", 20)
    monkeypatch.setattr("annotation.browsing.Walk.ids", too_long)
    beside = neighbours(solution.pk, {}, problem.project, ada)
    assert not beside.in_time
    assert Annotation.objects.count() == 0
