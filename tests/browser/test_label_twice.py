"""Keys that are held or pressed twice, and what comes too soon for what it would mean."""

from uuid import uuid4

import pytest
from playwright.sync_api import expect

from annotation import drafts, ending, leases
from annotation.drafts import Draft, Mark
from annotation.models import Annotation, Lease
from labelers.registration import labeler_of
from tests.browser.conftest import Watched
from tests.browser.label_scenes import (
    make_work,
    open_work,
    press,
    shows_saved,
    shows_solution,
    stop_the_clock,
)

pytestmark = pytest.mark.django_db(transaction=True)

HOLD_ENTER = """() => {
  for (let n = 0; n < 30; n += 1) document.activeElement.dispatchEvent(new KeyboardEvent(
    "keydown", {key: "Enter", code: "Enter", repeat: n > 0, bubbles: true, cancelable: true}));
}"""


@pytest.fixture
def label(watched: Watched) -> Watched:
    """Two solutions wait for ada, who is on the page of the first."""
    open_work(watched)
    return watched


def test_a_held_enter_submits_once_and_skips_nothing(label: Watched) -> None:
    page = label.page
    press(page, "1 1 3")
    page.evaluate(HOLD_ENTER)
    shows_solution(page, 2)
    page.evaluate(HOLD_ENTER)
    shows_saved(page)
    assert Annotation.objects.count() == 1
    shows_solution(page, 2)


def test_a_double_enter_makes_one_annotation(label: Watched) -> None:
    press(label.page, "3 Enter Enter Enter")
    shows_solution(label.page, 2)
    assert Annotation.objects.count() == 1
    assert Lease.objects.filter(outcome="submitted").count() == 1


def test_a_held_mark_marks_one_step(label: Watched) -> None:
    page = label.page
    page.keyboard.down("1")
    for _ in range(5):
        page.keyboard.down("1")
    page.keyboard.up("1")
    expect(page.locator(".place.done")).to_have_count(1)


def test_what_comes_at_once_is_not_meant_for_the_next_solution(watched: Watched) -> None:
    user, project, (_, second) = make_work(2)
    labeler = labeler_of(user)
    _, lease = (leases.claim_next(labeler=labeler, project=project, at_once=n) for n in (1, 2))
    assert lease
    marks = {second.steps.earliest("position").pk: Mark(rating=-1)}
    drafts.save(lease, Draft(marks=marks), based_on=0, key=uuid4())
    ending.release(lease)
    page = watched.page
    stop_the_clock(page)
    watched.log_in(user)
    watched.open("/label/gsm8k/")
    press(page, "3 Enter")
    shows_solution(page, 2)
    # It could be submitted as it is.
    expect(page.locator(".place.bad")).to_have_count(1)
    press(page, "Enter")
    page.get_by_role("button", name="Skip").click()
    press(page, "1")
    expect(page.locator(".place.great")).to_have_count(1)
    shows_solution(page, 2)
    assert Annotation.objects.count() == 1
