"""The readable page of the REST API in a real browser, under the policy and from our host alone."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched
from tests.factories import make_problem, make_project, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_page_lists_every_door_and_tries_one(watched: Watched) -> None:
    ada = make_user("ada")
    make_problem(make_project("eggs", members={ada: "manager"}), "How many eggs?")
    watched.log_in(ada)
    watched.open("/api/v1/docs/")
    page = watched.page
    expect(page.locator(".opblock-summary-path").first).to_be_visible()
    for path in ("/annotations/changes/", "/problems/", "/assignments/next/", "/runs/"):
        shown = page.locator(".opblock-summary-path", has_text=f"projects/{{slug}}{path}")
        assert shown.count() >= 1, path
    door = page.locator("#operations-problems-projects_problems_list")
    door.locator(".opblock-summary-control").click()
    door.get_by_role("button", name="Try it out").click()
    door.get_by_placeholder("slug").fill("eggs")
    door.get_by_role("button", name="Execute").click()
    expect(door.locator(".live-responses-table")).to_contain_text("How many eggs?")
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_class("dark-mode")
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= 360"), "it scrolls sideways"
