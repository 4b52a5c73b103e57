"""What the labelling page does about its slots by itself: the one on screen and the next one."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Request

from annotation.models import Lease
from tests.browser.conftest import Watched
from tests.browser.label_scenes import ahead, comes_true, open_work, stop_the_clock

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def label(watched: Watched) -> Watched:
    """Ada is on the page of a solution, whose clock stands still; the next one is there, too."""
    stop_the_clock(watched.page)
    with watched.page.expect_response("**/label/gsm8k/*/"):
        open_work(watched, lease_minutes=12, idle_minutes=5)
    return watched


def test_the_next_one_is_given_back_when_the_page_is_left(label: Watched) -> None:
    label.page.goto(f"{label.address}/")
    comes_true(label.page, lambda: ahead() == ["released"])
    assert Lease.objects.holding().count() == 1


def test_the_next_one_is_claimed_anew_before_its_two_minutes_are_over(label: Watched) -> None:
    label.page.clock.run_for("01:54")
    assert ahead() == [""]
    label.page.clock.run_for("00:02")
    comes_true(label.page, lambda: ahead() == ["released", ""])


def test_a_slot_is_held_on_to_while_somebody_reads_and_no_longer(label: Watched) -> None:
    page = label.page
    asked: list[Request] = []
    page.on("request", lambda one: asked.append(one) if "/extend/" in one.url else None)
    soon = timezone.now() + timedelta(minutes=5)
    Lease.objects.holding().update(until=soon)
    with page.expect_response("**/extend/"):
        page.clock.run_for("04:00")
    assert Lease.objects.holding().get().until > soon
    page.clock.run_for("08:00")
    page.mouse.move(50, 50)
    with page.expect_response("**/extend/"):
        page.clock.run_for("00:05")
    assert len(asked) == 2
