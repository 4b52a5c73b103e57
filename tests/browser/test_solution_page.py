import pytest
from playwright.sync_api import expect

from annotation.models import Project, Solution
from tests.browser.conftest import Watched
from tests.factories import (
    PASSWORD,
    make_annotation,
    make_labeler,
    make_problem,
    make_project,
    make_solution,
    make_user,
)

pytestmark = pytest.mark.django_db(transaction=True)

HOSTILE = (
    "<img src=x onerror=\"document.title='taken'\">",
    r"$\href{javascript:document.title='taken'}{x^2}$",
    r"$\text{<script>document.title='taken'</script>}$",
    "</script><script>document.title='taken'</script>",
    r"$\style{background:url(https://evil.example/x)}{y}$ <style>*{display:none}</style>",
    "[x](javascript:document.title='taken') ![](https://evil.example/x.png)",
    "$" + "{" * 10_000 + "x" + "}" * 10_000 + "$",
)


@pytest.fixture
def solution() -> Solution:
    user = make_user("ada", password=PASSWORD)
    project = make_project("algebra", members={user: "manager"})
    problem = make_problem(
        project,
        r"What is $\frac{1}{2} + \sqrt{x^2}$ at $2 an egg, sold for $18?",
        reference_answer="18",
    )
    steps = [
        r"We know \[ \sum_{k=1}^{n} k = \frac{n(n+1)}{2}. \]",
        "So 3 + 4 = <<3+4=7>>7.",
        *HOSTILE,
    ]
    solution = make_solution(problem, steps, final_answer=HOSTILE[0], prompt_text=HOSTILE[2])
    make_annotation(solution, make_labeler(HOSTILE[0]), ratings=[1, -1], comments={0: HOSTILE[2]})
    return solution


def test_somebody_logs_in_and_reads_a_solution(watched: Watched, solution: Solution) -> None:
    page = watched.page
    watched.open(f"/projects/algebra/solutions/{solution.pk}/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Solution")
    expect(page.locator("table.steps tbody tr")).to_have_count(2 + len(HOSTILE))
    expect(page.locator("table.steps")).to_contain_text("✓ Great")
    expect(page.locator("table.steps")).to_contain_text("✕ Bad")


def test_math_is_drawn_and_money_is_not(watched: Watched, solution: Solution) -> None:
    watched.log_in(solution.project.memberships.get().user)
    watched.open(f"/projects/algebra/solutions/{solution.pk}/")
    problem = watched.page.get_by_role("region", name="Problem")
    expect(problem.locator("math mfrac")).to_have_count(1)
    expect(problem.locator("math msqrt")).to_have_count(1)
    expect(problem).to_contain_text("at $2 an egg, sold for $18?")
    fraction = problem.locator("math mfrac").bounding_box()
    assert fraction is not None
    assert fraction["height"] > fraction["width"]
    expect(watched.page.locator("table.steps math[display=block]")).to_have_count(1)


def test_hostile_texts_end_as_harmless_text(watched: Watched, solution: Solution) -> None:
    watched.log_in(solution.project.memberships.get().user)
    watched.open(f"/projects/algebra/solutions/{solution.pk}/")
    page = watched.page
    assert page.title().startswith("Solution")
    expect(page.locator("main img, main script, main style, main [style]")).to_have_count(0)
    expect(page.locator("main [href^='javascript'], main [onerror]")).to_have_count(0)
    expect(page.locator("table.steps")).to_contain_text("onerror")
    expect(page.locator("table.steps")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize(
    "path", ["/", "/projects/", "/projects/algebra/", "/projects/algebra/problems/",
             "/projects/algebra/solutions/", "/work/", "/health/"],
)  # fmt: skip
def test_no_page_complains_or_is_wider_than_the_screen(
    watched: Watched, solution: Solution, path: str, width: int
) -> None:
    watched.log_in(solution.project.memberships.get().user)
    watched.page.set_viewport_size({"width": width, "height": 800})
    watched.open(path)
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width


def test_one_column_of_marks_fits_a_narrow_screen(watched: Watched, solution: Solution) -> None:
    solution.annotations.exclude(pk=solution.annotations.order_by("pk")[0].pk).delete()
    watched.log_in(solution.project.memberships.get().user)
    watched.page.set_viewport_size({"width": 360, "height": 800})
    watched.open(f"/projects/algebra/solutions/{solution.pk}/")
    card = watched.page.get_by_role("region", name="Steps and marks")
    assert card.evaluate("card => card.scrollWidth <= card.clientWidth")


@pytest.mark.parametrize("width", [1280, 360])
def test_many_columns_scroll_within_their_card(
    watched: Watched, solution: Solution, width: int
) -> None:
    for name in ("Emmy", "Sonya", "Maryam", "Karen", "Ingrid", "Hypatia", "Sofia", "Julia"):
        make_annotation(solution, make_labeler(name), ratings=[1, 0, -1])
    watched.log_in(solution.project.memberships.get().user)
    watched.page.set_viewport_size({"width": width, "height": 800})
    watched.open(f"/projects/algebra/solutions/{solution.pk}/")
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    card = watched.page.get_by_role("region", name="Steps and marks")
    assert card.evaluate("card => card.scrollWidth > card.clientWidth")
    card.focus()
    watched.page.keyboard.press("ArrowRight")
    expect(card).not_to_have_js_property("scrollLeft", 0)


@pytest.mark.parametrize("path", ["/admin/", "/admin/annotation/solution/", "/admin/web/user/add/"])
def test_the_admin_keeps_the_policy_too(watched: Watched, path: str) -> None:
    watched.log_in(make_user(is_staff=True, is_superuser=True))
    make_solution(make_problem(make_project()))
    watched.open(path)
    expect(watched.page.locator("#site-name")).to_have_text("Stepmark")


def test_the_menu_can_be_skipped_by_keyboard(watched: Watched, solution: Solution) -> None:
    watched.log_in(solution.project.memberships.get().user)
    watched.open("/projects/algebra/")
    watched.page.keyboard.press("Tab")
    expect(watched.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    watched.page.keyboard.press("Enter")
    expect(watched.page.locator("main")).to_be_focused()


def test_a_project_without_anything_shows_itself(watched: Watched) -> None:
    user = make_user()
    project: Project = make_project("bare", members={user: "reader"})
    watched.log_in(user)
    watched.open(f"/projects/{project.slug}/")
    expect(watched.page.locator("pre")).to_contain_text("--project bare")
