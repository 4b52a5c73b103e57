"""Invitations, members and settings in a real browser, which has rules of its own for forms."""

import re

import pytest
from playwright.sync_api import expect

from annotation import members
from annotation.models import Project
from tests.browser.conftest import Watched
from tests.factories import PASSWORD, make_project, make_user
from web.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada() -> User:
    return make_user("ada")


@pytest.fixture
def algebra(ada: User) -> Project:
    return make_project("algebra", members={ada: "manager", make_user("bob"): "labeler"})


def test_a_stranger_comes_in_by_a_link(watched: Watched, ada: User, algebra: Project) -> None:
    _, secret = members.invite(project=algebra, role="reviewer", note="", days=7, user=ada)
    page = watched.page
    watched.open(f"/join/{secret}/")
    page.get_by_label("Username").fill("bo")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password confirmation").fill(PASSWORD)
    page.get_by_role("button", name="Make an account and join").click()
    expect(page).to_have_url(f"{watched.address}/projects/algebra/")
    assert algebra.memberships.get(user__username="bo").role == "reviewer"


def test_a_user_comes_in_by_a_link(watched: Watched, ada: User, algebra: Project) -> None:
    _, secret = members.invite(project=algebra, role="reviewer", note="", days=7, user=ada)
    watched.log_in(make_user("bo"))
    watched.open(f"/join/{secret}/")
    watched.page.get_by_role("button", name="Join as bo").click()
    expect(watched.page).to_have_url(f"{watched.address}/projects/algebra/")


def test_a_manager_invites_and_changes_people(
    watched: Watched, ada: User, algebra: Project
) -> None:
    watched.log_in(ada)
    watched.open("/projects/algebra/members/")
    page = watched.page
    page.get_by_label("For whom").fill("Bo of the reading room")
    page.get_by_role("button", name="Make a link").click()
    expect(page.locator("pre")).to_have_text(re.compile(r"^http://\S+/join/[\w-]{43}/$"))
    page.get_by_label("Role of bob", exact=True).select_option("reader")
    page.get_by_role("button", name="Change the role of bob").click()
    expect(page.get_by_role("status")).to_have_text("bob is now Reader.")
    page.get_by_role("button", name="End the part of bob").click()
    expect(page.get_by_role("button", name="Restore bob")).to_be_visible()


def test_keys_are_remapped_and_reset(watched: Watched, ada: User) -> None:
    watched.log_in(ada)
    watched.open("/account/keys/")
    page = watched.page
    page.get_by_label("Great: key").fill("x")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Great: key")).to_have_value("x")
    page.get_by_label("Great: key").fill("2")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("“2” is used twice.")).to_have_count(2)
    page.get_by_role("button", name="Back to the defaults").click()
    expect(page.get_by_label("Great: key")).to_have_value("1")


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    ["/projects/algebra/members/", "/account/", "/account/keys/", "/account/password/",
     "/account/tokens/"],
)  # fmt: skip
def test_pages_fit_the_screen(
    watched: Watched, ada: User, algebra: Project, path: str, width: int, scheme: str
) -> None:
    watched.log_in(ada)
    watched.page.set_viewport_size({"width": width, "height": 800})
    watched.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    watched.open(path)
    wide = watched.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width
