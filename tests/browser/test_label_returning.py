"""Coming back to the labelling page: by a reload, and by the browser's Back."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from annotation.models import Lease
from tests.browser.conftest import Watched
from tests.browser.label_scenes import (
    ahead,
    comes_true,
    forget_failed_requests,
    open_work,
    press,
    shows_saved,
    shows_solution,
    stop_the_clock,
)

pytestmark = pytest.mark.django_db(transaction=True)

PASSING = "(name) => dispatchEvent(new PageTransitionEvent(name, {persisted: true}))"


@pytest.fixture
def label(watched: Watched) -> Iterator[Watched]:
    """Two solutions wait for ada, who is on the page of the first; requests may fail."""
    open_work(watched)
    yield watched
    forget_failed_requests(watched)


def test_a_page_that_is_older_than_a_save_shows_what_was_saved(label: Watched) -> None:
    page = label.page
    older = page.context.request.get(f"{label.address}/label/gsm8k/")
    press(page, "1")
    shows_saved(page)
    page.route("**/label/gsm8k/", lambda route: route.fulfill(response=older))
    page.reload()
    expect(page.locator(".place.done")).to_have_count(1)
    press(page, "2")
    comes_true(page, lambda: Lease.objects.holding().get().draft_version == 2)
    assert len(Lease.objects.holding().get().draft["marks"]) == 2


def test_the_browsers_back_shows_what_is_there_now(label: Watched) -> None:
    page = label.page
    press(page, "1")
    shows_saved(page)
    page.goto(f"{label.address}/")
    second = page.context.new_page()
    second.goto(f"{label.address}/label/gsm8k/")
    press(second, "3 Enter")
    shows_solution(second, 2)
    page.go_back()
    shows_solution(page, 2)


def test_a_page_that_the_browser_kept_takes_up_what_it_left(label: Watched) -> None:
    page = label.page
    # Else it tries again by itself.
    stop_the_clock(page)
    with page.expect_response("**/label/gsm8k/*/"):
        page.reload()
    page.route("**/draft/", lambda route: route.abort())
    press(page, "1")
    expect(page.locator("[data-saved]")).to_have_text("Offline, kept here")
    page.unroute("**/draft/")
    # Chromium keeps no page that forbids it, as this one does; there are other browsers.
    page.evaluate(PASSING, "pagehide")
    comes_true(page, lambda: ahead()[-1] == "released")
    page.evaluate(PASSING, "pageshow")
    shows_saved(page)
    comes_true(page, lambda: ahead()[-1] == "")
