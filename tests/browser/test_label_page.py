"""The labelling page in a real browser: marking by hand."""

import pytest
from playwright.sync_api import expect

from annotation.models import Annotation, StepLabel
from tests.browser.conftest import Watched
from tests.browser.label_scenes import (
    make_work,
    marks_of,
    open_work,
    press,
    shows_saved,
    shows_solution,
)
from tests.factories import make_annotation, make_step

pytestmark = pytest.mark.django_db(transaction=True)

COMPOSE = """(how) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown",
  {key: "Enter", bubbles: true, cancelable: true, ...how}))"""


@pytest.fixture
def label(watched: Watched) -> Watched:
    """Two solutions wait for ada, who is on the page of the first."""
    open_work(watched)
    return watched


def test_a_solution_is_marked_by_keyboard_alone(label: Watched) -> None:
    page = label.page
    press(page, "g 2")
    expect(page.locator("[aria-current=step]")).to_contain_text("Each day")
    press(page, "3")
    expect(page.locator(".place.shut")).to_have_count(2)
    expect(page.locator(".place.shut").first).to_contain_text("not labelled")
    expect(page.locator("[data-live]")).to_contain_text("Step 3: Bad.")
    press(page, "Enter")
    shows_solution(page, 2)
    done = Annotation.objects.get()
    assert done.solution.text.startswith("Solution 1")
    assert done.finish_reason == "found_error"
    assert marks_of(done) == [1, 0, -1]
    expect(page.locator("[data-today-text]")).to_have_text("1/60")
    expect(page.locator("[data-live]")).to_contain_text("Next solution: 5 steps.")


def test_an_unsure_step_is_flagged_and_not_rated(label: Watched) -> None:
    press(label.page, "1 ? u 1 1 Enter")
    shows_solution(label.page, 2)
    done = Annotation.objects.get()
    assert marks_of(done) == [1, None, None, 1, 1]
    assert done.labels.filter(flagged=True).count() == 2
    assert done.finish_reason == "solution"


def test_an_earlier_bad_that_is_taken_back_opens_the_rest_again(label: Watched) -> None:
    page = label.page
    press(page, "1 b")
    expect(page.locator(".place.shut")).to_have_count(3)
    press(page, "ArrowUp j 2")
    expect(page.locator(".place.shut")).to_have_count(0)
    press(page, "1 1 1 Enter")
    shows_solution(page, 2)
    assert marks_of(Annotation.objects.get()) == [1, 0, 1, 1, 1]


def test_enter_before_all_is_marked_says_what_is_missing(label: Watched) -> None:
    press(label.page, "1 Enter")
    expect(label.page.get_by_role("alert")).to_have_text("Step 2 is not marked yet.")
    assert not Annotation.objects.exists()


def test_a_click_marks_and_moves_on_and_the_arrows_of_a_group_stay(label: Watched) -> None:
    page = label.page
    page.get_by_label("Great").first.click()
    expect(page.locator("[aria-current=step]")).to_contain_text("16 eggs every day")
    group = page.get_by_role("group", name="Step 2 of 5")
    group.get_by_label("Great").focus()
    press(page, "Space ArrowDown")
    expect(group.get_by_label("Okay")).to_be_checked()
    expect(page.locator("[aria-current=step]")).to_contain_text("16 eggs every day")


@pytest.mark.parametrize("how", ["{isComposing: true}", "{keyCode: 229}"])
def test_enter_that_ends_a_composition_does_not_submit(label: Watched, how: str) -> None:
    page = label.page
    press(page, "3")
    page.evaluate(f"() => ({COMPOSE})({how})")
    page.wait_for_timeout(300)
    assert not Annotation.objects.exists()
    page.evaluate(f"() => ({COMPOSE})({{}})")
    shows_solution(page, 2)


@pytest.mark.parametrize("chord", ["Control+1", "Alt+1", "Meta+1", "Control+z"])
def test_keys_of_the_browser_stay_the_browsers(label: Watched, chord: str) -> None:
    label.page.keyboard.press(chord)
    expect(label.page.locator(".place.done")).to_have_count(0)


def test_keys_are_letters_in_a_text_field(label: Watched) -> None:
    page = label.page
    press(page, "1 1 k")
    page.locator(".place.now").get_by_role("button", name="Comment").click()
    page.keyboard.type("good but 3 steps, skip z h?")
    press(page, "Enter")
    expect(page.locator(".place.bad")).to_have_count(0)
    page.locator("main").click(position={"x": 5, "y": 5})
    press(page, "j b Enter")
    shows_solution(page, 2)
    assert StepLabel.objects.get(step__position=1).comment == "good but 3 steps, skip z h?\n"


def test_enter_on_a_button_does_what_the_button_does_and_nothing_else(label: Watched) -> None:
    page = label.page
    press(page, "3")
    page.get_by_role("button", name="Give up").focus()
    press(page, "Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert not Annotation.objects.exists()
    press(page, "Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_keys_are_those_of_the_user(watched: Watched) -> None:
    user, _, _ = make_work()
    user.keys = {"great": ["x"]}
    user.save()
    watched.log_in(user)
    watched.open("/label/gsm8k/")
    expect(watched.page.locator(".place.now .g kbd")).to_have_text("x")
    press(watched.page, "1 x")
    expect(watched.page.locator(".place.great")).to_have_count(1)


def test_giving_up_keeps_the_marks_and_the_reason(label: Watched) -> None:
    page = label.page
    press(page, "1")
    page.get_by_role("button", name="Give up").click()
    page.keyboard.type("Too hard for me")
    page.get_by_role("button", name="Give up and submit").click()
    shows_solution(page, 2)
    done = Annotation.objects.get()
    assert (done.finish_reason, done.comment) == ("give_up", "Too hard for me")
    assert marks_of(done) == [1]


def test_a_bad_problem_needs_a_reason(label: Watched) -> None:
    page = label.page
    page.get_by_role("button", name="Bad problem").click()
    page.get_by_role("button", name="Report and submit").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.type("No question in it")
    page.get_by_role("button", name="Report and submit").click()
    shows_solution(page, 2)
    done = Annotation.objects.get()
    assert (done.finish_reason, done.comment) == ("bad_problem", "No question in it")


def test_undo_opens_the_last_submission_with_its_marks(label: Watched) -> None:
    page = label.page
    press(page, "1 3 Enter")
    shows_solution(page, 2)
    press(page, "z")
    shows_solution(page, 1)
    expect(page.locator(".place.bad")).to_have_count(1)
    assert "assignment=" in page.url
    press(page, "2 1 1 1 Enter")
    shows_solution(page, 2)
    first, second = Annotation.objects.order_by("pk")
    assert second.supersedes == first
    assert marks_of(second) == [1, 0, 1, 1, 1]


def test_skip_shows_another_and_the_last_says_when_it_comes_back(label: Watched) -> None:
    page = label.page
    press(page, "1")
    shows_saved(page)
    press(page, "s")
    shows_solution(page, 2)
    press(page, "3 Enter")
    expect(page.get_by_role("heading", name="Nothing for you now")).to_be_visible()
    expect(page.locator("[data-waiting]")).to_contain_text("1 that you skipped comes back")


def test_after_a_bad_the_page_asks_what_the_project_asks(watched: Watched) -> None:
    user, _, (solution,) = make_work(
        ask_critique=True, ask_progress=True, ask_alternatives=True, allow_rest_great=True
    )
    make_annotation(solution, ratings=[1, -1], comments={1: "It adds nothing, says a machine."})
    make_step(solution, 1, "The ducks lay 17 eggs.", alternative=1)
    watched.log_in(user)
    watched.open("/label/gsm8k/")
    page = watched.page
    expect(page.get_by_role("region", name="About the mistake")).to_be_hidden()
    assert "says a machine" not in page.content()
    press(page, "1 3")
    panel = page.get_by_role("region", name="About the mistake")
    panel.get_by_label("Explains it").check()
    shows_saved(page)
    page.reload()
    expect(panel.get_by_label("Explains it")).to_be_checked()
    panel.get_by_label("In your own words").fill("It is beside the point.")
    panel.get_by_label("Half-way").check()
    panel.get_by_role("group", name="Candidate 1").get_by_label("Bad").check()
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("[data-waiting]")).to_be_visible()
    done = Annotation.objects.get(labeler__user=user)
    assert done.progress == 2
    assert done.critique_ratings.get().rating == 1
    assert done.labels.get(step__position=1, step__alternative=0).comment.startswith("It is beside")
    assert done.labels.get(step__alternative=1).rating == -1


def test_the_rest_is_marked_great_only_where_the_project_allows_it(watched: Watched) -> None:
    user, project, _ = make_work()
    watched.log_in(user)
    watched.open("/label/gsm8k/")
    button = watched.page.get_by_role("button", name="Mark the rest Great")
    expect(button).to_have_count(0)
    type(project).objects.update(allow_rest_great=True)
    watched.open("/label/gsm8k/")
    press(watched.page, "2")
    button.click()
    press(watched.page, "k j Enter")
    expect(watched.page.locator("[data-waiting]")).to_be_visible()
    assert marks_of(Annotation.objects.get()) == [0, 1, 1, 1, 1]


def test_a_bad_split_is_reported(label: Watched) -> None:
    press(label.page, "1")
    label.page.locator(".place.now").get_by_role("button", name="Bad split").click()
    press(label.page, "ArrowUp ArrowDown 3 Enter")
    shows_solution(label.page, 2)
    assert Annotation.objects.get().bad_splits == [1]


def test_practice_tells_what_was_expected_and_keeps_nothing(watched: Watched) -> None:
    user, project, _ = make_work()
    project.memberships.update(practised_at=None)
    watched.log_in(user)
    watched.open("/label/gsm8k/")
    page = watched.page
    page.get_by_role("link", name="Practise").click()
    page.wait_for_url("**/practice/")
    press(page, "1 1 3 Enter")
    expect(page.locator("[data-feedback]").nth(1)).to_contain_text("Expected")
    expect(page.locator("[data-feedback]").nth(2)).to_contain_text("As expected")
    expect(page.locator("[data-verdict]")).to_contain_text("4 of 5 steps as expected.")
    press(page, "Enter")
    page.wait_for_url("**/practice/2/")
    expect(page.locator(".place").first).to_contain_text("At the first stop")
    press(page, "1 2 1 1 1 Enter")
    expect(page.locator("[data-verdict]")).to_contain_text("5 of 5")
    press(page, "Enter")
    shows_solution(page, 1)
    expect(page.get_by_role("link", name="Practise")).to_have_count(0)
    assert not Annotation.objects.exists()


def test_the_guidelines_are_one_key_away(watched: Watched) -> None:
    user, _, _ = make_work(guidelines="# Marks\n\n**Great** moves on. <img src=x onerror=alert(1)>")
    watched.log_in(user)
    watched.open("/label/gsm8k/")
    press(watched.page, "h")
    panel = watched.page.get_by_role("dialog", name="Guidelines")
    expect(panel.locator("strong")).to_have_text("Great")
    press(watched.page, "1")
    press(watched.page, "Escape")
    expect(panel).to_be_hidden()
    expect(watched.page.locator(".place.done")).to_have_count(0)
