"""Nothing that was marked is lost: offline, after a crash, in two tabs, on a dead server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from annotation.models import Annotation, Lease, Membership
from tests.browser.conftest import Watched
from tests.browser.gunicorn_server import Server
from tests.browser.label_scenes import (
    another_tab,
    comes_true,
    forget_failed_requests,
    make_work,
    marks_of,
    open_work,
    press,
    shows_saved,
    shows_solution,
)
from tests.factories import make_labeler, make_lease

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def label(watched: Watched) -> Iterator[Watched]:
    """Two solutions wait for ada, who is on the page of the first; requests may fail."""
    open_work(watched)
    yield watched
    forget_failed_requests(watched)


def saved(page: Page) -> str:
    return page.locator("[data-saved]").inner_text()


def draft_marks() -> list[int | None]:
    lease = Lease.objects.get(assignment__solution__text__startswith="Solution 1", ended_at=None)
    return [mark["rating"] for _, mark in sorted(lease.draft.get("marks", {}).items())]


def test_each_mark_is_saved_as_it_is_made(label: Watched) -> None:
    for number, key in enumerate(["1", "2", "1"], 1):
        with label.page.expect_response("**/draft/"):
            press(label.page, key)
        shows_saved(label.page)
        assert Lease.objects.holding().get().draft_version == number
    assert draft_marks() == [1, 0, 1]


def test_saves_go_one_after_the_other(label: Watched) -> None:
    page = label.page
    sent: list[Route] = []
    page.route("**/draft/", lambda route: sent.append(route))  # Playwright takes no built-in
    press(page, "1")
    comes_true(page, lambda: len(sent) == 1)
    press(page, "2 1")
    sent[0].continue_()
    comes_true(page, lambda: len(sent) == 2)
    sent[1].continue_()
    comes_true(page, lambda: draft_marks() == [1, 0, 1])
    bodies = [route.request.post_data_json or {} for route in sent]
    assert [body["version"] for body in bodies] == [0, 1]


def test_marks_made_offline_are_kept_and_replayed(label: Watched) -> None:
    page = label.page
    press(page, "1")
    shows_saved(page)
    page.context.set_offline(True)
    press(page, "2 1")
    expect(page.locator("[data-saved]")).to_have_text("Offline, kept here")
    press(page, "3")
    assert draft_marks() == [1]
    page.context.set_offline(False)
    shows_saved(page)
    assert draft_marks() == [1, 0, 1, -1]


def test_a_submission_made_offline_is_queued_and_goes_on_when_the_server_has_it(
    label: Watched,
) -> None:
    page = label.page
    page.context.set_offline(True)
    press(page, "1 3 Enter")
    expect(page.locator("[data-saved]")).to_contain_text("Offline: will be submitted")
    shows_solution(page, 1)
    assert not Annotation.objects.exists()
    page.context.set_offline(False)
    shows_solution(page, 2)
    assert marks_of(Annotation.objects.get()) == [1, -1]


def test_marks_made_offline_survive_the_closing_of_the_tab(label: Watched) -> None:
    page = label.page
    page.context.set_offline(True)
    press(page, "1 2 1")
    expect(page.locator("[data-saved]")).to_have_text("Offline, kept here")
    page.close()
    again = label.page.context.new_page()
    again.context.set_offline(False)
    again.goto(f"{label.address}/label/gsm8k/")
    expect(again.locator(".place.done")).to_have_count(3)
    expect(again.locator("[data-saved]")).to_have_text("Saved")
    again.wait_for_timeout(300)
    assert draft_marks() == [1, 0, 1]


def test_a_reload_keeps_the_marks_and_the_comments(label: Watched) -> None:
    page = label.page
    press(page, "1 2")
    page.locator(".place.now").get_by_role("button", name="Comment").click()
    page.keyboard.type("Half a thought")
    page.reload()
    expect(page.locator(".place.done")).to_have_count(2)
    expect(page.get_by_label("Comment on step 3")).to_have_value("Half a thought")


def test_a_queued_submission_survives_a_crash_and_is_made_once(label: Watched) -> None:
    page = label.page
    page.context.set_offline(True)
    press(page, "3 Enter")
    expect(page.locator("[data-saved]")).to_contain_text("will be submitted")
    page.close()
    again = label.page.context.new_page()
    again.context.set_offline(False)
    again.goto(f"{label.address}/label/gsm8k/")
    shows_solution(again, 2)
    assert marks_of(Annotation.objects.get()) == [-1]


def test_where_nothing_comes_after_it_the_last_work_is_said_to_be_saved(label: Watched) -> None:
    page = label.page
    press(page, "3 Enter")
    shows_solution(page, 2)
    held_up: list[Route] = []
    page.route("**/submit/", lambda route: held_up.append(route))  # Playwright takes no built-in
    press(page, "3 Enter")
    expect(page.locator("[data-saved]")).to_have_text("Submitting…")
    # It is said before the request is on its way: what was marked is saved first.
    comes_true(page, lambda: len(held_up) == 1)
    held_up[0].continue_()
    expect(page.locator("[data-waiting]")).to_be_visible()
    shows_saved(page)


def test_what_the_server_refuses_is_kept_here_and_not_sent_again_as_it_is(label: Watched) -> None:
    page = label.page
    sent: list[Route] = []

    def refuse(route: Route) -> None:
        sent.append(route)
        route.fulfill(status=400, json={"code": "invalid", "detail": "This is too odd."})

    page.route("**/draft/", refuse)
    press(page, "1")
    expect(page.get_by_role("alert")).to_contain_text("This is too odd.")
    page.evaluate("dispatchEvent(new Event('focus'))")
    page.wait_for_timeout(300)
    assert len(sent) == 1
    page.unroute("**/draft/")
    page.reload()
    expect(page.locator(".place.done")).to_have_count(1)
    comes_true(page, lambda: draft_marks() == [1])


def test_what_changed_while_the_server_refused_the_one_before_is_sent(label: Watched) -> None:
    page = label.page
    sent: list[Route] = []
    page.route("**/draft/", lambda route: sent.append(route))  # Playwright takes no built-in
    press(page, "1")
    comes_true(page, lambda: len(sent) == 1)
    press(page, "2")
    sent[0].fulfill(status=400, json={"code": "invalid", "detail": "This is too odd."})
    comes_true(page, lambda: len(sent) == 2)
    sent[1].continue_()
    comes_true(page, lambda: draft_marks() == [1, 0])


def test_a_skip_waits_for_the_save_on_its_way(label: Watched) -> None:
    page = label.page
    skips: list[str] = []
    page.on("request", lambda one: skips.append(one.url) if "/skip/" in one.url else None)
    sent: list[Route] = []
    page.route("**/draft/", lambda route: sent.append(route))  # Playwright takes no built-in
    press(page, "1")
    comes_true(page, lambda: len(sent) == 1)
    press(page, "s")
    page.wait_for_timeout(300)
    assert skips == []
    sent[0].continue_()
    shows_solution(page, 2)
    assert Lease.objects.get(outcome="skipped").draft_version == 1
    comes_true(page, lambda: Lease.objects.holding().count() == 1)


def test_a_stale_tab_is_told_and_overwrites_nothing(label: Watched) -> None:
    first = label.page
    second = another_tab(label)
    press(second, "1 1")
    comes_true(second, lambda: draft_marks() == [1, 1])
    with first.expect_response("**/draft/"):
        press(first, "3")
    alert = first.get_by_role("alert")
    expect(alert).to_contain_text("changed in another tab")
    press(first, "Enter")
    assert not Annotation.objects.exists()
    assert draft_marks() == [1, 1]
    alert.get_by_role("button", name="Load the newer one").click()
    expect(first.locator(".place.great")).to_have_count(2)
    press(first, "3 Enter")
    shows_solution(first, 2)
    assert marks_of(Annotation.objects.get()) == [1, 1, -1]


def test_what_other_tabs_noted_never_stands_against_the_newest_work(label: Watched) -> None:
    first = label.page
    press(first, "1")
    shows_saved(first)
    second = another_tab(label)
    # As after a backup was brought back: the server knows less than the browser.
    Lease.objects.update(draft={}, draft_version=0, draft_key=None)
    with second.expect_response("**/draft/"):
        press(second, "1")
    alert = second.get_by_role("alert")
    alert.get_by_role("button", name="Load the newer one").click()
    expect(second.locator(".place.done")).to_have_count(0)
    press(second, "3 Enter")
    shows_solution(second, 2)
    assert marks_of(Annotation.objects.get()) == [-1]


def test_a_stale_tab_without_changes_cannot_submit_old_marks(label: Watched) -> None:
    first = label.page
    press(first, "3")
    shows_saved(first)
    second = another_tab(label)
    press(second, "k 1 1")
    shows_saved(second)
    press(first, "Enter")
    expect(first.get_by_role("alert")).to_contain_text("changed in another tab")
    assert not Annotation.objects.exists()


def test_a_tab_whose_work_was_submitted_elsewhere_says_so(label: Watched) -> None:
    first = label.page
    second = another_tab(label)
    press(second, "3 Enter")
    shows_solution(second, 2)
    press(first, "1")
    alert = first.get_by_role("alert")
    expect(alert).to_contain_text("submitted in another tab")
    alert.get_by_role("button", name="Go on").click()
    shows_solution(first, 2)
    assert marks_of(Annotation.objects.get()) == [-1]


def test_whoever_is_logged_out_keeps_everything(label: Watched) -> None:
    page = label.page
    press(page, "1")
    shows_saved(page)
    Session.objects.all().delete()
    press(page, "2")
    expect(page.locator("[data-saved]")).to_have_text("Logged out, kept here")
    expect(page.get_by_role("alert").get_by_role("link")).to_have_attribute(
        "href", "/login/?next=%2Flabel%2Fgsm8k%2F"
    )
    label.log_in(Lease.objects.holding().get().labeler.user)  # type: ignore[arg-type] # a person
    shows_saved(page)
    expect(page.get_by_role("alert")).to_be_hidden()
    assert draft_marks() == [1, 0]


def test_whoever_is_logged_out_is_told_so_in_the_place_of_any_other_notice(label: Watched) -> None:
    page = label.page
    mine = Lease.objects.holding().get()
    mine.end(Lease.Outcome.EXPIRED)
    make_lease(mine.assignment, make_labeler())
    press(page, "1")
    expect(page.get_by_role("alert")).to_contain_text("somebody else has taken it")
    shows_saved(page)
    Session.objects.all().delete()
    press(page, "2")
    expect(page.get_by_role("alert")).to_contain_text("You are logged out")
    expect(page.get_by_role("alert").get_by_role("link")).to_have_text("Log in in a new tab")


def test_whoever_no_longer_takes_part_is_told_so_and_keeps_everything(label: Watched) -> None:
    page = label.page
    press(page, "1")
    shows_saved(page)
    Membership.objects.update(ended_at=timezone.now())
    press(page, "2")
    expect(page.locator("[data-saved]")).to_have_text("Not saved, kept here")
    expect(page.get_by_role("alert")).to_contain_text("Your part in this project may have ended")
    expect(page.get_by_role("alert").get_by_role("link")).to_have_count(0)
    Membership.objects.update(ended_at=None)
    shows_saved(page)
    expect(page.get_by_role("alert")).to_be_hidden()
    assert draft_marks() == [1, 0]


def test_an_answer_that_got_lost_makes_one_annotation(label: Watched) -> None:
    page = label.page
    answers: list[int] = []

    def lose_the_first(route: Route) -> None:
        answer = route.fetch()
        answers.append(answer.status)
        if len(answers) == 1:
            route.abort("connectionreset")
        else:
            route.fulfill(response=answer)

    page.route("**/submit/", lose_the_first)
    press(page, "3 Enter")
    shows_solution(page, 2)
    assert answers == [200, 200]
    assert Annotation.objects.count() == 1


@pytest.mark.parametrize("dies", ["before", "after"])
def test_a_server_that_dies_in_mid_submit_leaves_one_annotation(
    watched: Watched, tmp_path: Path, dies: str
) -> None:
    user, _, _ = make_work(2)
    server = Server(
        tmp_path,
        "tests.browser.dying_server",
        STEPMARK_TEST_ONCE=str(tmp_path / "died"),
        STEPMARK_TEST_DIES=dies,
    )
    try:
        watched.address = f"http://{server.bind}"
        watched.log_in(user)
        watched.open("/label/gsm8k/")
        press(watched.page, "1 3 Enter")
        server.process.wait(60)
        assert (tmp_path / "died").exists(), server.log.read_text()
        expect(watched.page.locator("[data-saved]")).to_contain_text("will be submitted")
        shows_solution(watched.page, 1)
        assert Annotation.objects.count() == (0 if dies == "before" else 1)
        server.start()
        shows_solution(watched.page, 2)
        assert marks_of(Annotation.objects.get()) == [1, -1]
    finally:
        server.stop()
        forget_failed_requests(watched)
