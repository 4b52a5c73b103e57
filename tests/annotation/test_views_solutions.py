import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from annotation.models import Project, Solution
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


def test_each_mark_is_a_word_and_a_sign_beside_its_labeler(
    client: Client, solution: Solution
) -> None:
    make_annotation(solution, make_labeler("the judge"), ratings=[1, -1])
    make_annotation(solution, make_labeler("Emmy"), ratings=[0, None])
    words = words_of(client, solution)
    for sign, word, name in (
        ("✓", "Great", "the judge"),
        ("✕", "Bad", "the judge"),
        ("–", "Okay", "Emmy"),
        ("○", "Not rated", "Emmy"),
    ):
        assert f'<span aria-hidden="true">{sign}</span> {word} <small>{name}</small>' in words


def test_a_step_that_nobody_labelled_says_so(client: Client, solution: Solution) -> None:
    make_annotation(solution, ratings=[1, -1])
    assert words_of(client, solution).count("Not labelled") == 1


def test_a_step_that_one_did_not_label_says_who(client: Client, solution: Solution) -> None:
    make_annotation(solution, make_labeler("Emmy"), ratings=[-1])
    make_annotation(solution, make_labeler("Sonya"), ratings=[1, -1])
    assert "Not labelled <small>Emmy</small>" in words_of(client, solution)


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


def test_a_corrected_annotation_shows_only_its_correction(
    client: Client, solution: Solution
) -> None:
    first = make_annotation(solution, ratings=[-1])
    make_annotation(solution, first.labeler, ratings=[1], supersedes=first)
    words = words_of(client, solution)
    assert "Great" in words
    assert "Bad" not in words


def test_a_labeler_sees_no_mark_but_their_own(client: Client) -> None:
    grace, emmy = make_user("grace"), make_user("emmy")
    project = make_project("algebra", members={grace: "labeler", emmy: "reviewer"})
    solution = make_solution(make_problem(project))
    make_annotation(
        solution, make_labeler("the judge"), ratings=[-1], comments={0: "no"}, score=0.1
    )
    make_annotation(solution, make_labeler("Grace", user=grace), ratings=[0])
    client.force_login(grace)
    words = words_of(client, solution)
    assert "the judge" not in words
    assert "Bad" not in words
    assert "Okay" in words
    client.force_login(emmy)
    assert "the judge" in words_of(client, solution)


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


def test_solutions_narrow_to_an_answer_and_a_model(client: Client, project: Project) -> None:
    problem = make_problem(project)
    right = make_solution(problem, ["A."], is_correct=True, model="small")
    wrong = make_solution(problem, ["B."], is_correct=False, model="large")
    unknown = make_solution(problem, ["C."], model="large")

    def listed(query: str) -> list[Solution]:
        return list(client.get(f"/projects/algebra/solutions/{query}").context["page"].rows)

    assert listed("") == [right, wrong, unknown]
    assert listed("?answer=right") == [right]
    assert listed("?answer=unknown") == [unknown]
    assert listed("?model=large&answer=wrong") == [wrong]
    assert listed("?model=none-such") == []


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
    with django_assert_max_num_queries(11):
        client.get(f"/projects/algebra/solutions/{solution.pk}/")
    with django_assert_max_num_queries(11):
        client.get("/projects/algebra/solutions/")
