"""The labelling page in a real browser: marking by hand, and what everybody needs of it."""

import pytest
from playwright.sync_api import expect

from annotation.models import Annotation
from tests.browser.conftest import Watched
from tests.browser.label_scenes import make_work, press, shows_solution

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_solution_is_marked_by_keyboard_alone(watched: Watched) -> None:
    user, _, solutions = make_work(2)
    page = watched.page
    watched.log_in(user)
    watched.open("/label/gsm8k/")
    shows_solution(page, 1)
    press(page, "g 2 3")
    expect(page.locator(".place.shut")).to_have_count(2)
    expect(page.locator(".place.shut").first).to_contain_text("not labelled")
    press(page, "Enter")
    shows_solution(page, 2)
    done = Annotation.objects.get()
    assert done.solution == solutions[0]
    assert done.finish_reason == "found_error"
    ratings = done.labels.order_by("step__position").values_list("rating", flat=True)
    assert list(ratings) == [1, 0, -1]
    expect(page.locator("[data-today-text]")).to_have_text("1/60")
