"""What the tests of the labelling page share: a project with work, and what its pages are asked."""

from collections.abc import Callable, Sequence
from typing import Any

from playwright.sync_api import Page, expect

from annotation.models import Annotation, Lease, Project, Solution
from tests.browser.conftest import Watched
from tests.factories import make_assignment, make_problem, make_project, make_solution, make_user
from web.models import User

STEPS = (
    "Janet eats 3 eggs and bakes with 4, so she uses $3 + 4 = 7$ eggs a day.",
    "Her ducks lay 16 eggs every day.",
    "Each day $16 - 7 = 11$ eggs are left for sale.",
    r"At 2 dollars an egg she makes $2 \times 11 = 22$ dollars.",
    "Answer: $22$",
)
PROBLEM = (
    "Janet’s ducks lay 16 eggs per day. She eats three for breakfast every morning and bakes "
    "muffins for her friends every day with four. She sells the remainder at the farmers’ market "
    "daily for $2 per fresh duck egg. How much does she make every day?"
)


def make_work(
    count: int = 1, *, steps: Sequence[str] = STEPS, **fields: object
) -> tuple[User, Project, list[Solution]]:
    """Make a project with `count` solutions that wait for its one labeler, ada."""
    user = make_user("ada", daily_goal=60)
    project = make_project("gsm8k", members={user: "labeler"}, name="GSM8K, generation 3", **fields)
    project.memberships.update(practised_at=project.created_at)
    problem = make_problem(project, PROBLEM, reference_answer="18")
    solutions = [
        make_solution(problem, [f"Solution {n}: {steps[0]}", *steps[1:]], final_answer="22")
        for n in range(1, count + 1)
    ]
    for solution in solutions:
        make_assignment(solution)
    return user, project, solutions


def open_work(watched: Watched, count: int = 2, **fields: Any) -> None:
    """Make work for ada (`make_work`) and go to the page of the first solution."""
    user, _, _ = make_work(count, **fields)
    watched.log_in(user)
    watched.open("/label/gsm8k/")
    shows_solution(watched.page, 1)


def shows_solution(page: Page, number: int) -> None:
    """Wait until the page shows a certain solution."""
    expect(page.locator("[data-step] .said").first).to_contain_text(f"Solution {number}:")


def shows_saved(page: Page) -> None:
    expect(page.locator("[data-saved]")).to_have_text("Saved")


def comes_true(page: Page, is_true: Callable[[], bool]) -> None:
    """Wait until the server has what the page is sending."""
    for _ in range(300):
        if is_true():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not come true within 30 s")


def another_tab(watched: Watched) -> Page:
    """Open the same page once more, beside the one that is there."""
    tab = watched.page.context.new_page()
    tab.goto(watched.page.url)
    return tab


def stop_the_clock(page: Page) -> None:
    """Let time pass on the pages to come only as the test says."""
    page.clock.install(time=0)
    page.clock.pause_at(1)


def ahead() -> list[str]:
    """Return how the slots that were claimed ahead have ended; "" for one that is there."""
    claimed = Lease.objects.filter(began_at=None).order_by("pk")
    return list(claimed.values_list("outcome", flat=True))


def press(page: Page, keys: str) -> None:
    for key in keys.split():
        page.keyboard.press(key)


def forget_failed_requests(watched: Watched) -> None:
    """The browser complains of every request that failed; here they were meant to."""
    watched.complaints[:] = [one for one in watched.complaints if "Failed to load" not in one]


def marks_of(annotation: Annotation) -> list[int | None]:
    labels = annotation.labels.filter(step__alternative=0).order_by("step__position")
    return list(labels.values_list("rating", flat=True))
