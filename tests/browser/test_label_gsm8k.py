"""The main job of an annotator: 20 real solutions marked by keyboard alone, and their export."""

from collections import Counter
from pathlib import Path

import orjson
import pytest
from django.core.management import call_command
from playwright.sync_api import Page, expect

from annotation.models import Annotation, Membership, Project
from datasets_app.prm800k import prm800k_from_json
from tests.browser.conftest import Watched
from tests.browser.label_scenes import press, shows_saved
from tests.factories import make_user
from tests.shared_data import shared_file

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SOLUTIONS = 20


@pytest.fixture
def label(watched: Watched, tmp_path: Path) -> Watched:
    """The first five problems' solutions by four models wait for ada, who is on the page."""
    five = tmp_path / "five.jsonl"
    with shared_file("gsm8k_model_solutions.jsonl").open("rb") as lines:
        five.write_bytes(b"".join(next(lines) for _ in range(5)))
    call_command("import_solutions", str(five), "--project", "gsm8k")
    call_command("route", "--project", "gsm8k")
    user = make_user("ada")
    project = Project.objects.get()
    Membership.objects.create(
        user=user, project=project, role="labeler", practised_at=project.created_at
    )
    watched.log_in(user)
    watched.open("/label/gsm8k/")
    return watched


def mark(page: Page, number: int) -> str:
    """Mark the solution on the page in one of four ways; return the finish reason it leads to."""
    slot = page.locator("[data-work]").get_attribute("data-assignment")
    steps = page.locator("[data-step]").count()
    if number % 4 == 0:
        press(page, "1 " * (steps - 1) + "3")
        reason = "found_error"
    elif number % 4 == 1:
        press(page, "g " * steps)
        reason = "solution"
    elif number % 4 == 2:
        press(page, "? " + "2 " * (steps - 1))
        reason = "solution"
    else:
        press(page, "3")
        reason = "found_error"
    shows_saved(page)
    press(page, "Enter")
    expect(page.locator(f"[data-work][data-assignment='{slot}']")).to_have_count(0)
    return reason


def test_twenty_real_solutions_by_keyboard_become_valid_prm800k(
    label: Watched, tmp_path: Path
) -> None:
    page = label.page
    press(page, "h")
    expect(page.get_by_role("dialog")).to_contain_text("Great")
    press(page, "Escape")
    reasons = [mark(page, number) for number in range(SOLUTIONS)]
    expect(page.get_by_role("heading", name="All done")).to_be_visible()
    assert Annotation.objects.count() == SOLUTIONS

    output = tmp_path / "marked.jsonl"
    call_command("export", "--project", "gsm8k", "--format", "prm800k", "--output", str(output))
    rows = [orjson.loads(line) for line in output.read_bytes().splitlines()]
    for row in rows:
        prm800k_from_json(row)
    without_answer = Annotation.objects.filter(finish_reason="").count()
    found = Counter(row["label"]["finish_reason"] for row in rows)
    assert found["found_error"] == reasons.count("found_error")
    assert found["solution"] + without_answer == reasons.count("solution")
    for row, annotation in zip(rows, Annotation.objects.order_by("pk"), strict=True):
        check(row, annotation)

    call_command("import_prm800k", str(output), "--project", "again")
    assert Annotation.objects.filter(project__slug="again").count() == SOLUTIONS


def check(row: dict[str, dict[str, object]], annotation: Annotation) -> None:
    """The record has its time, its flags and its unlabelled tail."""
    steps = row["label"]["steps"]
    pre_generated = row["question"]["pre_generated_steps"]
    assert isinstance(steps, list)
    assert isinstance(pre_generated, list)
    assert annotation.elapsed_ms is not None
    time = row["label"]["total_time"]
    assert isinstance(time, int)
    assert 0 < time <= annotation.elapsed_ms
    marks = [step["completions"][0] for step in steps]
    if row["label"]["finish_reason"] == "found_error":
        assert [mark["rating"] for mark in marks][:-1] == [1] * (len(steps) - 1)
        assert (marks[-1]["rating"], steps[-1]["chosen_completion"]) == (-1, None)
        assert len(steps) == 1 or len(steps) == len(pre_generated)
    else:
        assert len(steps) == len(pre_generated)
    assert [mark["flagged"] for mark in marks] == [mark["rating"] is None for mark in marks]
    assert [mark["text"] for mark in marks] == pre_generated[: len(marks)]
