"""The policy page in a real browser: counted while one types, and whole without a script."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from annotation.models import Project
from tests.annotation.routed import make_routed
from tests.browser.conftest import Watched, wait_for_the_server
from tests.factories import make_labeler, make_user
from web.models import User

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "/projects/algebra/routing/"
POLICY = {
    "first": ["prm", "judge"],
    "accept": [{"labelers": {"prm": 0.9, "judge": 0.75}, "audit_share": 0.05}],
    "people": [{"when": "wrong_answer", "how_many": 2}, {"when": "rest", "how_many": 0}],
    "order": {"by": "uncertain", "score_of": "prm"},
    "review": {"contradicted": {"prm": 0.95}},
    "blind_share": 0.5,
}


@pytest.fixture
def ada() -> User:
    return make_user("ada", is_superuser=True)


@pytest.fixture
def algebra(ada: User) -> Project:
    make_labeler("consistency of the answers", judge="consistency")
    return make_routed(POLICY, slug="algebra", members={ada: "manager"}, name="GSM8K, generation 3")


@pytest.fixture
def page(watched: Watched, ada: User, algebra: Project) -> Page:
    watched.log_in(ada)
    watched.open(ADDRESS)
    expect(watched.page.locator("#preview .legend")).to_be_visible()
    return watched.page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("is_wrong", [False, True])
def test_axe_finds_nothing(page: Page, scheme: str, is_wrong: bool) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.get_by_text("As JSON", exact=True).click()
    if is_wrong:
        page.get_by_label("Share of the assignments").fill("200")
        expect(page.locator("#id_blind_share_slot")).to_contain_text("less than or equal to 100")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_nothing_is_wider_than_a_narrow_screen(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    page.get_by_text("As JSON", exact=True).click()
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_solutions_are_counted_again_while_one_types(page: Page, algebra: Project) -> None:
    legend = page.locator("#preview .legend")
    expect(legend).to_contain_text("waiting for models 3")
    page.get_by_role("checkbox", name="judge").uncheck()
    page.get_by_role("checkbox", name="prm").uncheck()
    page.get_by_label("By the score of").select_option("")
    for blank in page.locator(".sure input:visible").all():
        blank.fill("")
    page.get_by_role("button", name="Remove rule 1").first.click()
    expect(page.locator("#accept")).to_contain_text("Nothing is accepted without a person.")
    page.locator("#people-1").get_by_label("People who mark each").fill("1")
    expect(legend).to_contain_text("to people 3")
    expect(page.locator("#people-1-n")).to_have_text("3 solutions")
    expect(page.locator("#preview .tag")).to_have_text("not saved")
    algebra.refresh_from_db()
    assert len(algebra.routing["accept"]) == 1


def test_what_is_wrong_is_said_beside_its_field_while_the_focus_stays(page: Page) -> None:
    share = page.get_by_label("Share of the assignments")
    share.fill("200")
    expect(page.locator("#id_blind_share_slot")).to_contain_text("less than or equal to 100")
    expect(share).to_have_attribute("aria-invalid", "true")
    expect(share).to_be_focused()
    share.fill("20")
    expect(page.locator("#id_blind_share_slot")).to_be_empty()
    expect(share).not_to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Policy, as JSON")).to_have_value(re.compile(r'"blind_share": 0.2\n'))


def test_rules_offer_the_models_that_mark_first(page: Page) -> None:
    rule = page.locator("#accept-0")
    other = rule.get_by_label("consistency of the answers")
    expect(other).to_be_hidden()
    page.get_by_role("checkbox", name="consistency").check()
    expect(other).to_be_visible()
    other.fill("60")
    page.get_by_role("checkbox", name="consistency").uncheck()
    expect(other).to_be_visible()
    expect(rule).to_contain_text("is not among those that mark first")


def test_rules_are_moved_in_place_from_the_keyboard(page: Page, algebra: Project) -> None:
    page.locator("#people-0").get_by_label("People who mark each").fill("7")
    page.get_by_role("button", name="Move rule 2 up").focus()
    page.keyboard.press("Enter")
    moved = page.locator("#people-0")
    expect(moved).to_be_focused()
    expect(moved.get_by_label("Which solutions")).to_have_value("rest")
    expect(page.locator("#people-1").get_by_label("People who mark each")).to_have_value("7")
    page.locator("#people").get_by_role("button", name="Move rule 1 down").click()
    expect(page.locator("#people-1")).to_be_focused()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Every solution is looked at again.")
    algebra.refresh_from_db()
    assert algebra.routing["people"][0] == {"when": "wrong_answer", "how_many": 7}


def test_a_policy_is_copied_as_json(page: Page, algebra: Project) -> None:
    page.get_by_text("As JSON", exact=True).click()
    text = page.get_by_label("Policy, as JSON")
    text.fill('{"people": [{"how_many": 4}], "blind')
    page.get_by_role("button", name="Take over").click()
    expect(page.locator("#as-json")).to_contain_text("This is not JSON")
    expect(text).to_have_value('{"people": [{"how_many": 4}], "blind')
    text.fill('{"people": [{"how_many": 4}]}')
    page.get_by_role("button", name="Take over").click()
    expect(page.locator("#people-0").get_by_label("People who mark each")).to_have_value("4")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Every solution is looked at again.")
    algebra.refresh_from_db()
    assert algebra.routing["people"] == [{"when": "rest", "how_many": 4}]


def test_enter_in_a_field_counts_and_changes_nothing(page: Page) -> None:
    share = page.get_by_label("Share of the assignments")
    share.fill("30")
    share.press("Enter")
    expect(page.locator("#preview .tag")).to_have_text("not saved")
    expect(share).to_have_value("30")
    expect(page.locator("#accept .rule")).to_have_count(1)


def test_without_a_script_every_button_works(
    browser: Browser, live_server: object, ada: User, algebra: Project
) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = Watched(context.new_page(), str(live_server))
    tab.log_in(ada)
    tab.open(ADDRESS)
    page = tab.page
    page.get_by_label("Share of the assignments").fill("12.5")
    page.locator("#people").get_by_role("button", name="Add a rule").click()
    expect(page.locator("#people .rule")).to_have_count(3)
    page.get_by_role("button", name="Move rule 3 up").click()
    page.get_by_label("Share of the assignments").press("Enter")
    expect(page.locator("#preview .tag")).to_have_text("not saved")
    page.get_by_role("button", name="Preview").last.click()
    expect(page.locator("#preview")).to_contain_text("waiting for models 3")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Every solution is looked at again.")
    algebra.refresh_from_db()
    assert algebra.routing["blind_share"] == 0.125
    assert [rule["when"] for rule in algebra.routing["people"]] == [
        "wrong_answer", "wrong_answer", "rest",
    ]  # fmt: skip
    page.get_by_role("button", name="Without a policy").click()
    expect(page.locator("main")).to_contain_text("No policy: all solutions go to people")
    context.close()
    wait_for_the_server()
