"""The labelling page in explore mode: a solution is built position by position."""

import pytest
from playwright.sync_api import expect

from annotation.models import Annotation
from tests.browser.conftest import Watched
from tests.browser.explore_scenes import WRITTEN, make_building, shows_end, shows_position
from tests.browser.label_scenes import press

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_solution_is_built_by_keyboard_alone(watched: Watched) -> None:
    user, _ = make_building(*WRITTEN, problems=2)
    watched.log_in(user)
    watched.open("/label/eggs/")
    page = watched.page
    shows_position(page, 1)
    press(page, "1 1")
    expect(page.locator("[data-bar]")).to_contain_text("one of the 2 Great ones by lot")
    press(page, "Enter")
    shows_position(page, 2)
    press(page, "1 Enter") if page.locator("[data-candidates] > li").count() == 1 else press(
        page, "1 1 Enter"
    )
    shows_position(page, 3)
    press(page, "1 Enter")
    shows_end(page)
    press(page, "Enter")
    expect(page.locator(".problem")).to_contain_text("Problem 2.")
    assert Annotation.objects.get().finish_reason == "solution"
