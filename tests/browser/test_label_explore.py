"""The labelling page in explore mode: a solution is built position by position."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Request, Route, expect

from annotation.models import Annotation, Project
from tests.annotation.exploring import draw
from tests.browser.conftest import Watched
from tests.browser.explore_scenes import (
    ANSWER,
    EGGS,
    LEFT,
    WRITTEN,
    WRONG_EGGS,
    held,
    make_building,
    mark,
    shows_end,
    shows_position,
)
from tests.browser.label_scenes import another_tab, forget_failed_requests, press, shows_saved
from tests.datasets_app.loaded import exported

pytestmark = pytest.mark.django_db(transaction=True)

DRAWS = {"engine": "scripted", "prompt": "zero_shot_cot"}
OWN = "At 2 dollars an egg she makes $2 \\times 9 = 18$ dollars."


def scripted(*texts: str, **config: object) -> dict[str, object]:
    return {**DRAWS, "engine_config": {"texts": list(texts), **config}}


# In the page itself: from outside, a slow machine would press too late to be one too many.
ENTER_WHEN_FINISHED = """() => {
  window.pressed = 0;
  new MutationObserver((changes, observer) => {
    if (!document.querySelector("[data-finished]")) return;
    observer.disconnect();
    requestAnimationFrame(() => {
      for (; window.pressed < 2; window.pressed += 1) document.activeElement.dispatchEvent(
        new KeyboardEvent("keydown", {key: "Enter", bubbles: true, cancelable: true}));
    });
  }).observe(document.body, {childList: true, subtree: true});
}"""


def begin(watched: Watched, *solutions: tuple[str, ...], **fields: object) -> Page:
    """Log ada in to her first problem; `solutions` were written before."""
    user, _ = make_building(*solutions, **fields)  # type: ignore[arg-type] # fields of a project
    watched.log_in(user)
    watched.open("/label/eggs/")
    shows_position(watched.page, 1)
    return watched.page


def path_of(annotation: Annotation) -> list[str]:
    return list(annotation.solution.steps.filter(alternative=0).values_list("text", flat=True))


def test_a_solution_is_built_and_submitted_by_keyboard_alone(watched: Watched) -> None:
    page = begin(watched, *WRITTEN, problems=2)
    mark(page, great="3 and bakes")
    expect(page.locator("[data-bar]")).to_contain_text("the only Great one")
    press(page, "Enter")
    shows_position(page, 2)
    expect(page.locator(".taken")).to_contain_text("so she uses")
    mark(page, great="16")
    press(page, "ArrowDown" if LEFT[:5] in page.locator(".place").first.inner_text() else "k")
    lit = page.locator(".place.now .n").inner_text()
    expect(page.locator("[data-bar]")).to_have_text(f"Go on takes candidate {lit}.")
    press(page, "Enter")
    shows_position(page, 3)
    press(page, "3")
    expect(page.locator("[data-bar]")).to_contain_text("None is Great")
    press(page, "Enter")
    page.keyboard.type(OWN)
    press(page, "Control+Enter")
    shows_position(page, 4)
    expect(page.locator(".taken .yours")).to_contain_text("2×9=18")
    press(page, "Enter")
    page.keyboard.type(ANSWER)
    press(page, "Control+Enter")
    shows_end(page)
    press(page, "Enter")
    expect(page.locator(".problem")).to_contain_text("Problem 2.")
    expect(page.locator("[data-live]")).to_contain_text("Submitted. Next problem, 2 candidates")
    done = Annotation.objects.get()
    assert done.finish_reason == "solution"
    assert path_of(done)[2:] == [OWN, ANSWER]
    assert [bool(one.human_step) for one in done.positions.order_by("position")] == [
        False, False, True, True,
    ]  # fmt: skip
    assert (done.solution.final_answer, done.solution.is_correct) == ("18", True)


def test_its_export_is_a_phase_1_record_of_prm800k(watched: Watched) -> None:
    page = begin(watched, (EGGS, LEFT), (WRONG_EGGS, LEFT))
    mark(page, great="3 and bakes")
    press(page, "Enter")
    shows_position(page, 2)
    press(page, "u Enter")
    page.keyboard.type(ANSWER)
    press(page, "Control+Enter")
    shows_end(page)
    press(page, "Enter")
    expect(page.locator("[data-waiting]")).to_be_visible()
    (record,) = exported("eggs")
    first, second = record["label"]["steps"]
    assert record["label"]["finish_reason"] == "solution"
    assert 0 < record["label"]["total_time"] < 120_000
    assert sorted((c["text"], c["rating"]) for c in first["completions"]) == [
        (EGGS, 1), (WRONG_EGGS, -1),
    ]  # fmt: skip
    assert first["completions"][first["chosen_completion"]]["text"] == EGGS
    assert second == {
        "completions": [{"text": LEFT, "rating": None, "flagged": True}],
        "human_completion": {
            "text": ANSWER, "rating": None, "source": "human", "flagged": False,
        },
        "chosen_completion": None,
    }  # fmt: skip


def test_where_several_are_great_enter_at_once_leaves_it_to_the_lot(watched: Watched) -> None:
    page = begin(watched, *WRITTEN)
    press(page, "1 1")
    expect(page.locator("[data-bar]")).to_contain_text("one of the 2 Great ones by lot")
    press(page, "Enter")
    shows_position(page, 2)
    expect(page.locator(".said-now")).to_contain_text("was taken, by lot.")
    expect(page.locator("[data-live]")).to_contain_text("was taken, by lot. Step 2:")
    (choice,) = held().draft["choices"]
    assert choice["chosen"] in {int(step) for step in held().draft["marks"]}


def test_a_step_that_is_not_great_is_not_taken(watched: Watched) -> None:
    page = begin(watched, *WRITTEN)
    press(page, "1 2 j j k j Enter")
    expect(page.get_by_role("alert")).to_contain_text("only go on with a step marked Great")
    press(page, "k")
    press(page, "Enter")
    shows_position(page, 2)


def test_the_button_beside_a_great_step_takes_it(watched: Watched) -> None:
    page = begin(watched, *WRITTEN)
    expect(page.get_by_role("button", name="Go on with this")).to_have_count(0)
    press(page, "1 1")
    page.get_by_role("button", name="Go on with this (Candidate 2)").click()
    shows_position(page, 2)
    expect(page.locator(".said-now")).to_have_text("Candidate 2 was taken.")


def test_enter_before_all_are_marked_says_what_is_missing(watched: Watched) -> None:
    page = begin(watched, *WRITTEN)
    with page.expect_response("**/draft/"):
        press(page, "1 Enter")
    expect(page.get_by_role("alert")).to_have_text("Candidate 2 is not marked yet.")
    page.reload()
    expect(page.locator(".place.done")).to_have_count(1)
    shows_position(page, 1)
    assert held().draft["choices"] == []


def test_keys_are_letters_and_enter_a_new_line_in_the_field_for_a_step(watched: Watched) -> None:
    page = begin(watched, *WRITTEN)
    press(page, "3 3 Enter")
    page.keyboard.type("1 z h?")
    press(page, "Enter")
    page.keyboard.type("s")
    press(page, "Escape j")
    expect(page.locator(".place.now")).to_have_count(1)
    press(page, "Enter")
    expect(page.locator("[data-own-step]")).to_have_count(1)
    expect(page.locator("[data-own-step]")).to_have_value("1 z h?\ns")


def test_a_double_and_a_held_enter_finish_one_position(watched: Watched) -> None:
    page = begin(watched, ("First.", "Second.", ANSWER))
    sent: list[Request] = []
    page.on("request", lambda one: sent.append(one) if "/choose/" in one.url else None)
    press(page, "1 Enter Enter")
    page.keyboard.down("Enter")
    page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    shows_position(page, 2)
    assert len(sent) == 1
    assert len(held().draft["choices"]) == 1
    press(page, "1 Enter")
    shows_position(page, 3)
    page.evaluate(ENTER_WHEN_FINISHED)
    press(page, "1 Enter")
    expect(page.locator("[data-finished]")).to_be_visible()
    assert page.evaluate("() => window.pressed") == 2
    page.wait_for_timeout(300)
    assert not Annotation.objects.exists()


def test_an_answer_that_got_lost_chooses_once(watched: Watched) -> None:
    page = begin(watched, ("First.", "Second.", ANSWER))
    keys: list[str] = []

    def lose_the_first(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        answer = route.fetch()
        if len(keys) == 1:
            route.abort("connectionreset")
        else:
            route.fulfill(response=answer)

    page.route("**/choose/", lose_the_first)
    press(page, "1 Enter")
    expect(page.locator("[data-saved]")).to_have_text("Offline: will go on when you are back")
    shows_position(page, 2)
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert len(held().draft["choices"]) == 1
    forget_failed_requests(watched)


def test_a_choice_made_offline_survives_the_tab_and_is_made_once(watched: Watched) -> None:
    page = begin(watched, ("First.", "Second.", ANSWER))
    page.context.set_offline(True)
    press(page, "1 Enter")
    expect(page.locator("[data-saved]")).to_have_text("Offline: will go on when you are back")
    page.close()
    again = watched.page.context.new_page()
    again.context.set_offline(False)
    again.goto(f"{watched.address}/label/eggs/")
    shows_position(again, 2)
    assert len(held().draft["choices"]) == 1
    forget_failed_requests(watched)


def test_a_reload_in_the_middle_keeps_everything(watched: Watched) -> None:
    page = begin(watched, *WRITTEN)
    mark(page, great="3 and bakes")
    press(page, "Enter")
    shows_position(page, 2)
    press(page, "3")
    page.locator(".place.now").get_by_role("button", name="Comment").click()
    page.keyboard.type("Half a thought")
    page.locator("main").click(position={"x": 5, "y": 5})
    press(page, "3 Enter")
    page.keyboard.type("Half a st")
    page.reload()
    shows_position(page, 2)
    expect(page.locator(".taken")).to_contain_text("so she uses")
    expect(page.locator(".place.bad")).to_have_count(2)
    expect(page.get_by_label("Comment on candidate 2")).to_have_value("Half a thought")
    expect(page.get_by_label("Step 2, in your own words")).to_have_value("Half a st")


def test_back_undoes_the_last_choice_and_keeps_the_marks_of_both(watched: Watched) -> None:
    page = begin(watched, *WRITTEN)
    mark(page, great="3 and bakes")
    press(page, "Enter")
    shows_position(page, 2)
    press(page, "2 3 z")
    shows_position(page, 1)
    expect(page.locator("[data-live]")).to_contain_text("Back at step 1.")
    expect(page.locator(".place.great")).to_contain_text("so she uses")
    assert held().draft["choices"] == []
    press(page, "Enter")
    page.wait_for_timeout(450)
    press(page, "Enter")
    shows_position(page, 2)
    expect(page.locator(".place.okay")).to_have_count(1)
    expect(page.locator(".place.bad")).to_have_count(1)


def test_going_back_further_is_confirmed_and_a_written_step_comes_back(watched: Watched) -> None:
    page = begin(watched)
    for number, text in enumerate(("My first.", "My second."), 1):
        page.get_by_label(f"Step {number}, in your own words").fill(text)
        page.get_by_role("button", name="Go on").click()
        shows_position(page, number + 1)
    page.get_by_role("button", name="Change step 1").click()
    dialog = page.get_by_role("dialog", name="Go back to this step?")
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.locator(".taken > li")).to_have_count(2)
    page.get_by_role("button", name="Change step 1").click()
    dialog.get_by_role("button", name="Go back").click()
    shows_position(page, 1)
    expect(page.get_by_label("Step 1, in your own words")).to_have_value("My first.")
    expect(page.locator(".taken")).to_have_count(0)


def test_after_submitting_back_opens_the_last_solution_again(watched: Watched) -> None:
    page = begin(watched, ("# Answer\n\n18", "x"), ("Other.", ANSWER), problems=2)
    mark(page, great="Answer")
    press(page, "Enter")
    shows_end(page)
    press(page, "Enter")
    expect(page.locator(".problem")).to_contain_text("Problem 2.")
    shows_position(page, 1)
    press(page, "z")
    shows_end(page)
    expect(page.locator(".problem")).to_contain_text("Problem 1.")
    press(page, "z")
    shows_position(page, 1)
    page.locator(".place.great .said").click()
    press(page, "2")
    page.locator(".place.bad .said").click()
    press(page, "1 Enter")
    shows_position(page, 2)
    press(page, "1 Enter")
    shows_end(page)
    press(page, "Enter")
    expect(page.locator(".problem")).to_contain_text("Problem 2.")
    first, second = Annotation.objects.order_by("pk")
    assert second.supersedes == first
    assert path_of(second) == ["Other.", ANSWER]


@pytest.mark.parametrize(
    ("button", "words", "end"),
    [
        ("Give up", "Give up and submit", "give_up"),
        ("Bad problem", "Report and submit", "bad_problem"),
    ],
)
def test_work_that_is_broken_off_keeps_its_marks(
    watched: Watched, button: str, words: str, end: str
) -> None:
    page = begin(watched, *WRITTEN, problems=2)
    press(page, "3")
    page.get_by_role("button", name=button).click()
    page.keyboard.type("No way on")
    page.get_by_role("button", name=words).click()
    expect(page.locator(".problem")).to_contain_text("Problem 2.")
    done = Annotation.objects.get()
    assert (done.finish_reason, done.comment) == (end, "No way on")
    assert sorted(label.rating or 0 for label in done.labels.all()) == [-1, 0]
    assert done.positions.get().chosen is None


def test_candidates_that_are_drawn_come_after_those_already_there(watched: Watched) -> None:
    page = begin(watched, ("First.",), candidates=2, drawing=scripted("Drawn $x^2$.\nMore."))
    expect(page.locator(".draws")).to_contain_text("More candidates are being drawn.")
    press(page, "3")
    shows_saved(page)
    expect(page.get_by_label("Step 1, in your own words")).to_be_visible()
    first = page.locator("[data-step]").first.element_handle()
    before = page.locator("[data-step]").first.bounding_box()
    assert draw()
    expect(page.locator("[data-step]")).to_have_count(2)
    assert first.evaluate("(place) => place.isConnected && place.matches(':first-child.bad')")
    assert page.locator("[data-step]").first.bounding_box() == before
    expect(page.locator("[data-live]")).to_have_text("New candidates: 1.")
    expect(page.locator(".draws")).to_have_count(0)
    expect(page.locator(".place.now math msup")).to_have_count(1)
    expect(page.get_by_label("Step 1, in your own words")).to_be_hidden()
    press(page, "1 Enter")
    shows_position(page, 2)
    expect(page.locator(".taken math msup")).to_have_count(1)


def test_a_failing_engine_loses_no_mark_and_can_be_asked_again(watched: Watched) -> None:
    page = begin(watched, ("First.",), candidates=2, drawing=scripted("x", fail_every=1))
    press(page, "2")
    shows_saved(page)
    draw()
    failure = page.locator(".failed")
    expect(failure).to_contain_text("No more candidates came: The engine failed")
    expect(page.locator("[data-live]")).to_contain_text("The engine failed")
    Project.objects.update(drawing=scripted("Drawn."))
    failure.get_by_role("button", name="Try again").click()
    expect(page.locator(".draws")).to_be_visible()
    assert draw()
    expect(page.locator("[data-step]")).to_have_count(2)
    expect(page.locator(".place.okay")).to_have_count(1)
    assert len(held().draft["marks"]) == 1


def test_where_the_engine_fails_the_step_can_be_written(watched: Watched) -> None:
    page = begin(watched, candidates=1, drawing=scripted("x", fail_every=1))
    draw()
    page.get_by_role("button", name="Write the step yourself").click()
    page.keyboard.type(ANSWER)
    press(page, "Control+Enter")
    shows_end(page)
    press(page, "Enter")
    expect(page.locator("[data-waiting]")).to_be_visible()
    assert path_of(Annotation.objects.get()) == [ANSWER]


def test_too_few_candidates_offer_to_look_for_more(watched: Watched) -> None:
    page = begin(watched, ("First.",), candidates=3)
    expect(page.locator(".short")).to_contain_text("1 of 3 candidates.")
    page.get_by_role("button", name="Look for more").click()
    expect(page.locator("[data-live]")).to_have_text("Nothing more was found.")


def test_a_candidate_that_came_unseen_is_shown_before_the_position_is_finished(
    watched: Watched,
) -> None:
    page = begin(watched, ("First.",), candidates=2, drawing=scripted("Drawn."))
    page.route("**/candidates/", lambda route: route.abort())
    # The page looks once more, in vain, and then no more by itself.
    page.evaluate("window.setTimeout = () => 0")
    press(page, "1")
    draw()
    page.wait_for_timeout(1_200)
    expect(page.locator("[data-step]")).to_have_count(1)
    page.unroute("**/candidates/")
    press(page, "Enter")
    expect(page.locator("[data-step]")).to_have_count(2)
    expect(page.locator(".place.now")).to_contain_text("Drawn.")
    assert held().draft["choices"] == []
    forget_failed_requests(watched)


def test_what_belongs_to_one_candidate_covers_no_other(watched: Watched) -> None:
    page = begin(watched, *WRITTEN)
    comment = page.locator(".place.now [data-comment]").bounding_box()
    below = page.locator(".place:not(.now) .marks").first.bounding_box()
    assert comment
    assert below
    assert comment["y"] + comment["height"] <= below["y"]
    number, text = (page.locator(f".place.now {part}").bounding_box() for part in (".n", ".said"))
    assert number
    assert text
    assert number["x"] + number["width"] <= text["x"]
    assert text["width"] > text["height"]


def test_a_stale_tab_is_told_and_chooses_nothing(watched: Watched) -> None:
    first = begin(watched, *WRITTEN)
    second = another_tab(watched)
    press(second, "1 1 Enter")
    shows_position(second, 2)
    press(first, "3 3")
    alert = first.get_by_role("alert")
    expect(alert).to_contain_text("changed in another tab")
    alert.get_by_role("button", name="Load the newer one").click()
    shows_position(first, 2)
    assert len(held().draft["choices"]) == 1
    forget_failed_requests(watched)


def axe_finds_nothing(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_narrow_screen(
    watched: Watched, scheme: str
) -> None:
    page = watched.page
    page.set_viewport_size({"width": 360, "height": 740})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # one of its literals
    begin(watched, *WRITTEN, candidates=3, drawing=scripted("x", fail_every=1))

    def is_fine() -> None:
        axe_finds_nothing(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 360

    is_fine()
    press(page, "1 1")
    is_fine()
    draw()
    expect(page.locator(".failed")).to_be_visible()
    press(page, "j")
    is_fine()
    press(page, "Enter")
    shows_position(page, 2)
    while page.locator(".place:not(.done)").count():
        press(page, "3")
    press(page, "Enter")
    page.keyboard.type(ANSWER)
    is_fine()
    press(page, "Control+Enter")
    shows_end(page)
    is_fine()
    page.get_by_role("button", name="Change step 1").click()
    is_fine()
