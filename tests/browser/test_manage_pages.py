"""A manager's pages in a real browser: narrow and dark, and without anything in axe's way."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from annotation.models import Project
from tests.browser.conftest import Watched
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

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = (
    "/projects/new/",
    "/projects/algebra/",
    "/projects/algebra/settings/",
    "/projects/algebra/routing/",
    "/projects/algebra/guidelines/",
    "/projects/algebra/guidelines/edit/",
    "/projects/algebra/report/?by=day",
    "/projects/algebra/clone/",
    "/projects/algebra/archive/",
)


@pytest.fixture
def ada() -> User:
    return make_user("ada", is_superuser=True)


@pytest.fixture
def algebra(ada: User) -> Project:
    project = make_project("algebra", members={ada: "manager"}, name="GSM8K, generation 3")
    bob = make_labeler("Bob, who has a rather long name", user=make_user("bob"))
    now = timezone.now()
    for n in range(6):
        solution = make_solution(make_problem(project), ["One.", "Two."], is_correct=n % 2 == 0)
        at = now - timedelta(days=n)
        make_annotation(solution, bob, ratings=[1, 0], submitted_at=at, total_time_ms=48_000)
    make_lease(make_assignment(make_solution(make_problem(project))), bob)
    make_run(project, state="running", done=61, total=100)
    return project


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(
    watched: Watched, ada: User, algebra: Project, address: str, scheme: str
) -> None:
    watched.log_in(ada)
    watched.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    watched.open(address)
    # Playwright evaluates axe by a way that the page's policy does not reach.
    found = Axe().run(watched.page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("address", PAGES)
def test_nothing_is_wider_than_a_narrow_screen(
    watched: Watched, ada: User, algebra: Project, address: str
) -> None:
    watched.log_in(ada)
    watched.page.set_viewport_size({"width": 360, "height": 800})
    watched.open(address)
    assert watched.page.evaluate("document.documentElement.scrollWidth") == 360


def test_what_somebody_else_has_saved_stands_apart_from_the_form(
    watched: Watched, ada: User, algebra: Project
) -> None:
    watched.log_in(ada)
    watched.open("/projects/algebra/settings/")
    Project.objects.filter(pk=algebra.pk).update(overlap=7)
    watched.page.get_by_role("button", name="Save").click()
    box = watched.page.get_by_role("alert").bounding_box()
    card = watched.page.locator("fieldset.card").first.bounding_box()
    assert box is not None
    assert card is not None
    assert card["y"] - (box["y"] + box["height"]) >= 8


def test_a_hold_is_released_from_the_keyboard(
    watched: Watched, ada: User, algebra: Project
) -> None:
    watched.log_in(ada)
    watched.open("/projects/algebra/")
    button = watched.page.get_by_role("button", name="Release solution")
    button.focus()
    watched.page.keyboard.press("Enter")
    expect(watched.page.get_by_role("status")).to_contain_text("Released.")
    expect(watched.page.get_by_text("Who holds what")).to_have_count(0)


def test_guidelines_are_written_previewed_and_saved(
    watched: Watched, ada: User, algebra: Project
) -> None:
    watched.log_in(ada)
    watched.open("/projects/algebra/guidelines/edit/")
    page = watched.page
    page.get_by_label("Guidelines, in Markdown").fill(
        "## Be kind\n\n$x_1$ and ![](https://evil.example/x.png)<img src=x onerror=alert(1)>"
    )
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="Be kind")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("article math")).to_have_count(1)
    expect(page.locator("main img")).to_have_count(0)


def test_two_managers_do_not_undo_each_other(watched: Watched, ada: User, algebra: Project) -> None:
    watched.log_in(ada)
    watched.open("/projects/algebra/settings/")
    page = watched.page
    Project.objects.update(lease_minutes=45)
    page.get_by_label("Name", exact=True).fill("Mine")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("you saw 30, now it is 45")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Mine")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    algebra.refresh_from_db()
    assert (algebra.name, algebra.lease_minutes) == ("Mine", 30)
