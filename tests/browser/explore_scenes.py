"""What the browser's tests of explore mode share: a project to build solutions in, and asking."""

from collections.abc import Sequence
from typing import Any

from playwright.sync_api import Page, expect

from annotation import routing
from annotation.models import Lease, Project
from tests.browser.label_scenes import PROBLEM, shows_saved
from tests.factories import make_problem, make_project, make_solution, make_user
from web.models import User

EGGS = "She eats 3 and bakes with 4, so she uses $3 + 4 = 7$ eggs."
WRONG_EGGS = "She uses $3 \\times 4 = 12$ eggs."
LEFT = "So $16 - 7 = 9$ eggs are left."
ANSWER = "# Answer\n\n18"
WRITTEN = (
    (EGGS, LEFT, ANSWER),
    (EGGS, "She sells all 16 eggs.", "# Answer\n\n32"),
    (WRONG_EGGS, "So 4 are left.", "# Answer\n\n8"),
)


def make_building(
    *solutions: Sequence[str], problems: int = 1, **fields: Any
) -> tuple[User, Project]:
    """Make a project whose one labeler, ada, can build a solution of each of `problems`.

    Other solutions of the problems were written before: `solutions`.
    """
    user = make_user("ada")
    fields = {"mode": Project.Mode.EXPLORE, "candidates": 2, **fields}
    project = make_project("eggs", members={user: "labeler"}, name="Ducks, phase 1", **fields)
    project.memberships.update(practised_at=project.created_at)
    for number in range(1, problems + 1):
        problem = make_problem(project, f"Problem {number}. {PROBLEM}", reference_answer="18")
        for steps in solutions:
            make_solution(problem, steps)
    routing.route(project=project)
    return user, project


def shows_position(page: Page, number: int) -> None:
    """Wait until the candidates of a position are there, and keys mean them."""
    expect(page.get_by_role("heading", name=f"Candidates for step {number}")).to_be_visible()
    shows_saved(page)


def shows_end(page: Page) -> None:
    """Wait until the solution has ended, and Enter would submit it."""
    expect(page.locator("[data-building][data-finished]")).to_be_visible()
    shows_saved(page)
    page.wait_for_timeout(450)


def mark(page: Page, **wanted: str) -> None:
    """Mark every candidate by keys: those that contain the value of `great`, all others Bad."""
    for _ in range(page.locator("[data-candidates] > li").count()):
        now = page.locator(".place.now")
        page.keyboard.press("1" if wanted["great"] in now.inner_text() else "3")


def held() -> Lease:
    return Lease.objects.holding().get()
