import re
from datetime import UTC, datetime
from html import unescape

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from annotation.models import Project, Solution
from tests.factories import (
    make_annotation,
    make_critique_rating,
    make_label,
    make_labeler,
    make_problem,
    make_project,
    make_solution,
    make_step,
    make_user,
)
from web.models import User

pytestmark = pytest.mark.django_db

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def ada(client: Client) -> User:
    user = make_user("ada")
    client.force_login(user)
    return user


@pytest.fixture
def project(ada: User) -> Project:
    return make_project("algebra", members={ada: "manager"})


@pytest.fixture
def solution(project: Project) -> Solution:
    return make_solution(
        make_problem(project, "Sixteen eggs, less seven?", reference_answer="9"),
        ["Three and four are seven.", "Sixteen less seven is eleven.", "So eleven."],
        final_answer="11",
        is_correct=False,
        seed=42,
        prompt_tokens=120,
        completion_tokens=48,
        prompt_text="Think </pre> first.",
        stopped_by="length",
        parameters={"temperature": 0.7},
    )


def words_of(client: Client, solution: Solution) -> str:
    response = client.get(f"/projects/algebra/solutions/{solution.pk}/")
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_it_shows_the_problem_the_steps_and_the_answer(client: Client, solution: Solution) -> None:
    words = words_of(client, solution)
    order = ["Sixteen eggs", "Three and four", "Sixteen less seven is", "So eleven", "Final answer"]
    assert [words.index(text) for text in order] == sorted(words.index(text) for text in order)
    assert "Reference answer <b>9</b>" in words
    assert "wrong" in words


def test_it_shows_who_wrote_it_and_how(client: Client, solution: Solution) -> None:
    words = words_of(client, solution)
    for text in ("scripted", "canned", "zero-shot", "temperature", "0.7", "42", "120 + 48"):
        assert text in words
    assert "cut off" in words
    assert "Think &lt;/pre&gt; first." in words


def rows_of(client: Client, solution: Solution, query: str = "") -> list[list[str]]:
    """Return the words of each cell of the table of steps and marks, row by row."""
    page = client.get(f"/projects/algebra/solutions/{solution.pk}/{query}").content.decode()
    table = page[page.index('<table class="steps">') : page.index("</table>")]
    return [
        [words_in(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)]
        for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL)
    ]


def words_in(markup: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def test_everyones_marks_stand_side_by_side_as_sign_and_word(
    client: Client, solution: Solution
) -> None:
    make_annotation(solution, make_labeler("the judge"), ratings=[1, -1])
    emmy = make_labeler("Emmy", user=make_user("emmy"))
    annotation = make_annotation(solution, emmy, ratings=[0, None])
    annotation.labels.filter(rating=None).update(flagged=True)
    head, *steps = rows_of(client, solution)[:4]
    assert head == ["Step", "the judge model", "Emmy person"]
    assert steps == [
        ["1", "Three and four are seven.", "✓ Great", "– Okay"],
        ["2", "Sixteen less seven is eleven.", "✕ Bad", "? Unsure"],
        ["3", "So eleven.", "· Not labelled", "· Not labelled"],
    ]


def test_below_the_steps_stands_how_each_of_them_finished(
    client: Client, solution: Solution
) -> None:
    make_annotation(
        solution, make_labeler("Emmy"), ratings=[1, -1], finish_reason="found_error", progress=2,
        bad_splits=[1], total_time_ms=48_000, comment="16 - 7 is 9", is_surplus=True,
        submitted_at=datetime(2026, 11, 21, 14, 5, tzinfo=UTC),
    )  # fmt: skip
    make_annotation(solution, make_labeler("Sonya"), finish_reason="give_up")
    head, _one, two, _three, *foot = rows_of(client, solution)
    assert head == ["Step", "Emmy model surplus", "Sonya model"]
    assert two[2:] == ["✕ Bad split badly", "· Not labelled"]
    assert foot[:5] == [
        ["Finish reason", "found an error 16 - 7 is 9", "gave up"],
        ["Progress before the error", "2 of 4", "–"],
        ["Steps split badly", "2", "–"],
        ["Explanations rated", "–", "–"],
        ["Active time", "48 s", "–"],
    ]
    assert foot[5][1].startswith("11/21/2026")


def test_ratings_of_explanations_stand_with_whoever_rated(
    client: Client, solution: Solution
) -> None:
    judged = make_annotation(
        solution, make_labeler("the judge"), ratings=[-1], comments={0: "It is eight."}
    )
    rating = make_annotation(solution, make_labeler("Emmy"), ratings=[-1])
    make_critique_rating(rating, judged.labels.get(), 1)
    row = next(row for row in rows_of(client, solution) if row[0] == "Explanations rated")
    assert row[2] == "✓ explains it the judge: It is eight."


def test_alternatives_stand_under_their_position_with_their_marks(
    client: Client, solution: Solution
) -> None:
    annotation = make_annotation(solution, ratings=[1, -1])
    other = make_step(solution, 1, "Sixteen less seven is nine.", alternative=1)
    make_label(annotation, other, 1, flagged=True)
    make_step(solution, 1, "We count the eggs.", alternative=2, writer="human")
    annotation.positions.filter(position=1).update(chosen=other)
    words = words_of(client, solution)
    assert words.index("is eleven.") < words.index("is nine.") < words.index("So eleven.")
    assert "2 other candidates" in words
    assert "flagged" in words
    assert "chosen to go on" in words
    assert "written by a person" in words


def test_what_a_labeler_wrote_stands_by_the_step(client: Client, solution: Solution) -> None:
    make_annotation(solution, ratings=[1, -1], comments={1: "16 - 7 = 9, not 11"})
    assert "16 - 7 = 9, not 11" in words_of(client, solution)


def test_the_score_of_the_whole_and_its_evidence_are_shown(
    client: Client, solution: Solution
) -> None:
    make_annotation(solution, make_labeler("outcome"), score=0.25, evidence={"votes": 4})
    words = words_of(client, solution)
    assert "0.25" in words
    assert "<dt>votes</dt><dd>4</dd>" in words


def test_a_name_that_a_dict_has_a_method_of_is_a_name_like_others(
    client: Client, project: Project
) -> None:
    names = {"items": 4, "keys": 5}
    solution = make_solution(make_problem(project), parameters=names)
    make_annotation(solution, evidence=names)
    words = words_of(client, solution)
    assert words.count("<dt>items</dt><dd>4</dd>") == 2
    assert words.count("<dt>keys</dt><dd>5</dd>") == 2


def test_a_correction_has_the_column_and_what_it_superseded_is_folded_away(
    client: Client, solution: Solution
) -> None:
    first = make_annotation(
        solution, ratings=[-1], submitted_at=datetime(2026, 3, 4, 14, 5, tzinfo=UTC)
    )
    make_annotation(
        solution, first.labeler, ratings=[1], supersedes=first,
        submitted_at=datetime(2026, 3, 5, 9, 30, tzinfo=UTC),
    )  # fmt: skip
    head, step = rows_of(client, solution)[:2]
    assert len(head) == 2
    assert step[2] == "✓ Great"
    page = words_of(client, solution)
    folded = words_in(page[page.index('<details class="card superseded">') :])
    assert folded.startswith("1 superseded")
    assert "✕ Bad" in folded
    assert folded.index("03/04/2026") < folded.index("03/05/2026")


def test_text_of_others_is_text_and_never_markup(client: Client, project: Project) -> None:
    problem = make_problem(project, HOSTILE, reference_answer=HOSTILE, reference_solution=HOSTILE)
    solution = make_solution(
        problem, [HOSTILE], final_answer=HOSTILE, prompt_text=HOSTILE, model=HOSTILE,
        parameters={HOSTILE: HOSTILE},
    )  # fmt: skip
    annotation = make_annotation(
        solution, make_labeler(HOSTILE), ratings=[1], comments={0: HOSTILE},
        evidence={HOSTILE: HOSTILE},
    )  # fmt: skip
    other = make_step(solution, 0, HOSTILE, alternative=1)
    make_label(annotation, other, -1)
    addresses = ("problems/", f"problems/{problem.pk}/", "solutions/", f"solutions/{solution.pk}/")
    for address in addresses:
        page = client.get(f"/projects/algebra/{address}").content.decode()
        assert "<img src=x" not in page
        assert "&lt;img" in page


def test_a_formula_that_breaks_off_breaks_no_page(client: Client, project: Project) -> None:
    problem = make_problem(project, r"Let $\fbox$ be 3.", reference_answer=r"\mbox")
    solution = make_solution(problem, [r"So $\text$."], final_answer=r"\textcolor")
    addresses = ("problems/", f"problems/{problem.pk}/", "solutions/", f"solutions/{solution.pk}/")
    for address in addresses:
        page = client.get(f"/projects/algebra/{address}").content.decode()
        assert '<code class="math-source">' in page


@pytest.mark.parametrize("count", [1, 12])
def test_the_pages_take_few_queries_whatever_they_show(
    client: Client,
    project: Project,
    count: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    problem = make_problem(project)
    steps = [f"Step {number}." for number in range(count)]
    solution = make_solution(problem, steps)
    for number in range(count):
        make_annotation(solution, ratings=[1] * count)
        make_solution(problem, [*steps, f"Another {number}."])
    with django_assert_max_num_queries(22):
        client.get(f"/projects/algebra/solutions/{solution.pk}/")
    with django_assert_max_num_queries(15):
        client.get("/projects/algebra/solutions/")
