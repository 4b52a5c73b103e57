"""The pages of runs in a real browser: narrow, dark, without anything in axe's way, and alive."""

import os
from datetime import timedelta
from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from annotation.models import Project, Run
from labelers.registration import register_model
from tests.browser.conftest import Watched
from tests.factories import (
    make_assignment,
    make_problem,
    make_project,
    make_run,
    make_solution,
    make_user,
)
from web.models import User

pytestmark = pytest.mark.django_db(transaction=True)

PRICE = {"prompt_per_1k": 0.15, "completion_per_1k": 0.6, "currency": "USD"}
WAYS = ("runs/", "runs/{going}/", "runs/{paused}/", "")


@pytest.fixture
def ada() -> User:
    return make_user("ada", is_superuser=True)


@pytest.fixture
def algebra(ada: User) -> Project:
    project = make_project("algebra", members={ada: "manager"}, name="GSM8K, generation 3")
    register_model(name="critic of first errors", judge="arithmetic", config={"price": PRICE})
    return project


@pytest.fixture
def going(algebra: Project, ada: User) -> Run:
    run = make_labelling(algebra, ada, state="running", at_once=2, money=Decimal("1.2731"))
    again = [{"entry": 7, "reason": "no connection (ConnectError) (attempts: 6)"}] * 3
    run.slices.create(number=1, payload=[7] * 3, tries=1, failures=again)
    return run


@pytest.fixture
def paused(algebra: Project, ada: User) -> Run:
    return make_labelling(algebra, ada, state="paused", money=Decimal("5.0041"))


def make_labelling(project: Project, user: User, **fields: object) -> Run:
    """Make a run with a few solutions that failed."""
    problem = make_problem(project)
    failed = []
    reasons = (
        "the answer holds no text: {}",
        "12,034 tokens are more than the model reads (8,192)",
    )
    for reason in reasons:
        solution = make_solution(problem, [f"A step of {reason}"], text_key=os.urandom(16).hex())
        entry = make_assignment(solution, state="failed", error=reason).pk
        failed.append({"entry": entry, "reason": reason, "transient": False})
    request = {
        "name": "critic",
        "judge": "arithmetic",
        "currency": "USD",
        **{k: str(v) for k, v in fields.items()},
    }
    begun = timezone.now() - timedelta(minutes=40)
    run = make_run(
        project,
        kind=Run.Kind.LABELLING,
        request=request,
        total=4_000,
        done=2_418,
        failed=2,
        errors=dict.fromkeys(reasons, 1),
        calls=7_260,
        prompt_tokens=6_102_331,
        completion_tokens=912_004,
        work_ms=8_000_000,
        budget=Decimal(5),
        created_by=user,
        started_at=begun,
        created_at=begun,
        **fields,
    )
    run.slices.create(
        number=0,
        payload=[],
        state="finished",
        settled=410,
        failures=failed,
        finished_at=timezone.now(),
    )
    return run


def address(way: str, going: Run, paused: Run) -> str:
    return "/projects/algebra/" + way.format(going=going.pk, paused=paused.pk)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(
    watched: Watched, ada: User, going: Run, paused: Run, way: str, scheme: str
) -> None:
    watched.log_in(ada)
    watched.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    watched.open(address(way, going, paused))
    found = Axe().run(watched.page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_wider_than_a_narrow_screen(
    watched: Watched, ada: User, going: Run, paused: Run, way: str
) -> None:
    watched.log_in(ada)
    watched.page.set_viewport_size({"width": 360, "height": 800})
    watched.open(address(way, going, paused))
    assert watched.page.evaluate("document.documentElement.scrollWidth") == 360


def test_the_page_of_a_run_that_goes_on_follows_it_to_its_end(
    watched: Watched, ada: User, going: Run
) -> None:
    watched.log_in(ada)
    watched.open(f"/projects/algebra/runs/{going.pk}/")
    expect(watched.page.get_by_text("2,418")).to_be_visible()
    Run.objects.filter(pk=going.pk).update(done=3_001)
    expect(watched.page.get_by_text("3,001")).to_be_visible(timeout=20_000)
    expect(watched.page.get_by_role("button", name="Pause")).to_be_visible()
    Run.objects.filter(pk=going.pk).update(state="finished", done=3_998)
    expect(watched.page.get_by_text("3,998")).to_be_visible(timeout=20_000)
    expect(watched.page.get_by_role("button", name="Pause")).to_be_hidden()


def test_a_manager_pauses_and_resumes_with_a_larger_budget(
    watched: Watched, ada: User, paused: Run
) -> None:
    paused.slices.create(number=1, payload=[1])
    watched.log_in(ada)
    watched.open(f"/projects/algebra/runs/{paused.pk}/")
    page = watched.page
    page.get_by_label("Budget in USD").fill("8.5")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("It goes on.")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused. What is being worked on is still finished.")).to_be_visible()
