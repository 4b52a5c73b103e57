"""The labelling page for everyone: narrow, dark, zoomed, by screen reader, on a slow line."""

from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from annotation.models import Lease
from tests.browser.conftest import Watched
from tests.browser.gunicorn_server import Server
from tests.browser.label_scenes import (
    forget_failed_requests,
    make_work,
    press,
    shows_saved,
    shows_solution,
)
from tests.factories import make_annotation, make_step

pytestmark = pytest.mark.django_db(transaction=True)

MOST_BYTES = 100_000
WIDE = "$" + " + ".join(f"x_{{{n}}}^2" for n in range(60)) + "$ and " + "w" * 300


def is_as_wide_as_the_screen(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def axe_finds_nothing(page: Page) -> None:
    # What fades in is not of its final colour yet.
    page.wait_for_timeout(300)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.fixture(params=[(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")])
def screen(request: pytest.FixtureRequest, watched: Watched) -> Watched:
    """Each size and scheme, on the page of a solution with everything that can be asked."""
    width, scheme = request.param
    watched.page.set_viewport_size({"width": width, "height": 800})
    watched.page.emulate_media(color_scheme=scheme)
    user, project, (solution, _) = make_work(
        2, ask_critique=True, ask_progress=True, ask_alternatives=True, allow_rest_great=True
    )
    project.memberships.update(practised_at=None)
    make_annotation(solution, ratings=[1, 1, -1], comments={2: "16 - 7 is 9, not 11."})
    make_step(solution, 2, "Each day $16 - 7 = 9$ eggs are left.", alternative=1)
    watched.log_in(user)
    return watched


def test_axe_finds_nothing_on_the_way_through(screen: Watched) -> None:
    page = screen.page
    screen.open("/label/gsm8k/")
    axe_finds_nothing(page)
    press(page, "1 2")
    axe_finds_nothing(page)
    press(page, "3")
    axe_finds_nothing(page)
    assert is_as_wide_as_the_screen(page)
    page.locator(".place.now").get_by_role("button", name="Comment").click()
    page.get_by_role("button", name="Bad problem").click()
    axe_finds_nothing(page)
    press(page, "Escape")
    page.get_by_role("button", name="Guidelines").click()
    expect(page.get_by_role("dialog").locator("[data-guidelines]")).not_to_be_empty()
    axe_finds_nothing(page)
    press(page, "Escape")
    page.get_by_role("button", name="Submit").click()
    shows_solution(page, 2)
    # An Enter that comes at once may still be meant for the solution before.
    page.wait_for_timeout(500)
    press(page, "Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    axe_finds_nothing(page)
    page.get_by_role("button", name="Skip").click()
    expect(page.locator("[data-waiting]")).to_be_visible()
    axe_finds_nothing(page)
    assert is_as_wide_as_the_screen(page)


def test_axe_finds_nothing_in_the_practice(screen: Watched) -> None:
    page = screen.page
    screen.open("/label/gsm8k/practice/")
    axe_finds_nothing(page)
    press(page, "1 1 3 Enter")
    expect(page.locator("[data-verdict]")).to_be_visible()
    axe_finds_nothing(page)
    assert is_as_wide_as_the_screen(page)


@pytest.mark.parametrize("size", [(360, 640), (640, 400), (320, 500)])
def test_nothing_scrolls_sideways_on_small_and_zoomed_screens(
    watched: Watched, size: tuple[int, int]
) -> None:
    user, _, _ = make_work(1, steps=[WIDE, "Answer: 2"])
    watched.page.set_viewport_size({"width": size[0], "height": size[1]})
    watched.log_in(user)
    watched.open("/label/gsm8k/")
    for keys in ("", "1", "3"):
        press(watched.page, keys)
        assert is_as_wide_as_the_screen(watched.page)
    expect(watched.page.locator(".place.now")).to_be_in_viewport()


def test_marks_are_told_apart_without_colour(watched: Watched) -> None:
    user, _, _ = make_work()
    watched.page.emulate_media(forced_colors="active")
    watched.log_in(user)
    watched.open("/label/gsm8k/")
    press(watched.page, "1 2 u 3")
    chosen = watched.page.locator(".marks label:has(:checked)")
    assert [word.split("\n")[0][:1] for word in chosen.all_inner_texts()] == ["✓", "–", "?", "✕"]
    now: Literal["solid"] = "solid"
    style = "getComputedStyle(document.querySelector('.place.now')).outlineStyle"
    assert watched.page.evaluate(style) == now


def test_a_screen_reader_hears_groups_with_names_and_what_changed(watched: Watched) -> None:
    user, _, _ = make_work()
    watched.log_in(user)
    watched.open("/label/gsm8k/")
    page = watched.page
    group = page.get_by_role("group", name="Step 1 of 5")
    for name in ("Great", "Okay", "Bad", "Unsure"):
        expect(group.get_by_role("radio", name=name)).to_have_count(1)
    expect(page.locator("[aria-current=step]")).to_be_focused()
    press(page, "3")
    heard = page.locator("[aria-live=polite]").first
    expect(heard).to_contain_text("Step 1: Bad. The steps after it are not labelled.")
    expect(page.get_by_role("status")).to_have_text("Saved")


def test_one_step_is_said_in_the_singular(watched: Watched) -> None:
    user, _, _ = make_work(2, steps=["The answer is 22."])
    watched.log_in(user)
    watched.open("/label/gsm8k/")
    shows_solution(watched.page, 1)
    press(watched.page, "1 Enter")
    shows_solution(watched.page, 2)
    said = watched.page.locator("[data-live]")
    expect(said).to_have_text("Submitted. Next solution: 1 step.")


def test_nothing_moves_for_those_who_want_it_so(watched: Watched) -> None:
    user, _, _ = make_work()
    watched.page.emulate_media(reduced_motion="reduce")
    watched.log_in(user)
    watched.open("/label/gsm8k/")
    style = "getComputedStyle(document.querySelector('.place')).transitionDuration"
    assert watched.page.evaluate(style) == "0s"


def test_the_first_load_is_light_and_asks_no_other_host(watched: Watched, tmp_path: Path) -> None:
    user, _, _ = make_work(2)
    # The server of the tests packs nothing.
    server = Server(tmp_path, "config.wsgi")
    watched.address = f"http://{server.bind}"
    watched.log_in(user)
    session = watched.page.context.new_cdp_session(watched.page)
    session.send("Network.enable")
    received: list[float] = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    watched.open("/label/gsm8k/")
    watched.page.wait_for_load_state("networkidle")
    server.stop()
    assert len(received) > 10
    assert sum(received) < MOST_BYTES, sum(received)


def test_time_counts_without_hidden_tabs_and_long_idleness(watched: Watched) -> None:
    user, _, _ = make_work(idle_minutes=5)
    page = watched.page
    page.clock.install()
    watched.log_in(user)
    watched.open("/label/gsm8k/")
    press(page, "1")
    page.clock.fast_forward("04:00")
    press(page, "1")
    page.clock.fast_forward("30:00")
    press(page, "1")
    shows_saved(page)
    page.evaluate("""() => {
      Object.defineProperty(document, "hidden", {value: true, configurable: true});
      document.dispatchEvent(new Event("visibilitychange"));
    }""")
    page.clock.fast_forward("03:00")
    page.evaluate("""() => {
      Object.defineProperty(document, "hidden", {value: false, configurable: true});
      document.dispatchEvent(new Event("visibilitychange"));
    }""")
    with page.expect_response("**/draft/"):
        press(page, "3")
    minutes = Lease.objects.holding().get().draft["active_ms"] / 60_000
    assert 9 <= minutes < 10, "four minutes of reading, five of the idle half hour"


def test_the_page_looks_for_new_work_by_itself(watched: Watched) -> None:
    user, project, _ = make_work()
    project.paused_at = timezone.now()
    project.save()
    watched.page.clock.install()
    watched.log_in(user)
    watched.open("/label/gsm8k/")
    expect(watched.page.get_by_role("heading", name="This project is paused")).to_be_visible()
    project.paused_at = None
    project.save()
    watched.page.clock.fast_forward("00:20")
    shows_solution(watched.page, 1)


@pytest.mark.parametrize("width", [360, 480, 600])
def test_the_longest_word_on_saving_fits_a_narrow_header(watched: Watched, width: int) -> None:
    user, _, _ = make_work(1)
    page = watched.page
    page.set_viewport_size({"width": width, "height": 800})
    watched.log_in(user)
    watched.open("/label/gsm8k/")
    press(page, "1 1 1 1 1")
    shows_saved(page)
    page.context.set_offline(True)
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("[data-saved]")).to_have_text(
        "Offline: will be submitted when you are back"
    )
    assert is_as_wide_as_the_screen(page)
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="All done")).to_be_visible()
    forget_failed_requests(watched)


@pytest.mark.parametrize("width", [360, 1280])
def test_what_belongs_to_a_step_lies_in_its_row(watched: Watched, width: int) -> None:
    user, _, _ = make_work(1)
    page = watched.page
    page.set_viewport_size({"width": width, "height": 1400})
    watched.log_in(user)
    watched.open("/label/gsm8k/")
    press(page, "1 2")
    row = page.locator(".place.now").bounding_box()
    tools = page.locator(".place.now .tools").bounding_box()
    hand = page.locator(".place.now .hand").bounding_box()
    assert row is not None
    assert tools is not None
    assert hand is not None
    assert tools["y"] >= hand["y"] + hand["height"] - 1
    assert tools["y"] + tools["height"] <= row["y"] + row["height"]
