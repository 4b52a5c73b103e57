"""Datasets in a real browser: a version is frozen by hand and followed to its files."""

from hashlib import sha256
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from annotation import run_control, runs
from annotation.models import Project
from datasets_app.held_out import digest_of
from datasets_app.models import HeldOut, Snapshot
from datasets_app.rules import Rules
from datasets_app.snapshots import Wanted, freeze, freeze_slice
from tests.browser.conftest import Watched, wait_for_the_server
from tests.datasets_app.frozen import dataset_of, frozen
from tests.datasets_app.loaded import load_json
from tests.datasets_app.published import records
from tests.factories import make_upload, make_user
from web.models import User

pytestmark = pytest.mark.django_db(transaction=True)

HERE = "/projects/math/datasets/"
FILE = "trl-stepwise/train-00000.parquet"
PAGES = (
    "datasets/", "datasets/hold-out/", "datasets/steps/", "datasets/steps/freeze/",
    "datasets/steps/v1/", "datasets/steps/v3/", "datasets/steps/v4/",
    "datasets/steps/compare/?before=1&after=2", "imports/{upload}/",
)  # fmt: skip

# As two clicks whose requests are both under way.
TWICE = """() => {
  const form = document.querySelector("[data-freeze]");
  const body = new FormData(form);
  body.set("do", "freeze");
  const send = () => fetch(form.action, { method: "POST", body }).then((answer) => answer.url);
  return Promise.all([send(), send()]);
}"""


@pytest.fixture
def ada() -> User:
    return make_user("ada", is_superuser=True)


@pytest.fixture
def project(ada: User) -> Project:
    load_json(records(with_odd=False), "math")
    project = Project.objects.get(slug="math")
    project.memberships.create(user=ada, role="manager")
    dataset_of(project)
    return project


def test_a_version_is_frozen_once_and_followed_to_its_files(
    watched: Watched, ada: User, project: Project, tmp_path: Path
) -> None:
    watched.log_in(ada)
    watched.open(f"{HERE}steps/freeze/")
    page = watched.page
    words = page.locator("#words")
    expect(words).to_contain_text("No format yet")
    page.get_by_label("trl-stepwise", exact=True).check()
    expect(words).to_contain_text("trl-stepwise (parquet)")
    page.get_by_label("Share in %").first.fill("50")
    expect(words).to_contain_text("add up to 100 %")
    page.get_by_label("Share in %").first.fill("100")
    page.get_by_label("Most solutions of a problem").fill("7")
    page.get_by_label("Most solutions of a problem").press("Enter")
    expect(words).to_contain_text("7 solutions")
    assert not Snapshot.objects.exists()

    page.get_by_role("button", name="Freeze version 1").dblclick()
    expect(page).to_have_url(f"{watched.address}{HERE}steps/v1/")
    expect(page.get_by_text("It waits for a worker.")).to_be_visible()
    wait_for_the_server()
    snapshot = Snapshot.objects.get()
    assert snapshot.run
    runs.work_here(snapshot.run, freeze_slice)
    # Nobody loads the page again but itself.
    expect(page.locator("h1 .tag")).to_have_text("Frozen")
    expect(page.get_by_role("img", name="Step of the first mistake")).to_be_visible()
    expect(page.locator("pre.script")).to_contain_text("load_dataset")
    with page.expect_download() as downloading:
        page.get_by_role("link", name=FILE).click()
    downloading.value.save_as(tmp_path / "rows")
    kept = snapshot.files.get(path=FILE)
    assert sha256((tmp_path / "rows").read_bytes()).hexdigest() == kept.sha256

    watched.open(f"{HERE}steps/freeze/")
    assert page.evaluate(TWICE) == [f"{watched.address}{HERE}steps/v2/"] * 2
    assert Snapshot.objects.count() == 2


def test_without_a_script_a_version_is_said_in_words_and_frozen(
    browser: Browser, live_server: object, ada: User, project: Project
) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = Watched(context.new_page(), str(live_server))
    tab.log_in(ada)
    tab.open(f"{HERE}steps/freeze/")
    page = tab.page
    page.get_by_label("Final answer").select_option("wrong")
    page.get_by_label("Final answer").press("Enter")
    page.get_by_role("button", name="Say it in words").last.click()
    expect(page.locator("#words")).to_contain_text("Only solutions whose final answer is wrong.")
    page.get_by_role("button", name="Freeze version 1").click()
    expect(page.get_by_text("Being frozen")).to_be_visible()
    context.close()
    wait_for_the_server()
    assert Snapshot.objects.get().rules["correctness"] == "wrong"


def test_axe_finds_nothing_and_nothing_is_wider_than_a_narrow_screen(
    watched: Watched, ada: User, project: Project
) -> None:
    HeldOut.objects.create(project=project, name="eval", texts=["?"], sha256=digest_of(["?"]))
    wanted = [Wanted(format="trl-stepwise"), Wanted(format="prm800k", container="jsonl.gz")]
    frozen(project, *wanted, held_out=["eval"])
    frozen(project, marks="all")
    frozen(project, generations=[99])
    stopped = freeze(dataset=dataset_of(project), rules=Rules())
    assert stopped.run
    run_control.cancel(stopped.run)
    freeze(dataset=dataset_of(project), rules=Rules())
    upload = make_upload(project, bad=1, file="a-file-with-a-long-name-" * 4)
    upload.bad_lines.create(number=7, reason="the field “question” holds 7, and not a text")
    watched.log_in(ada)
    page = watched.page
    page.set_viewport_size({"width": 360, "height": 800})
    for path in PAGES:
        page.emulate_media(color_scheme="light")
        watched.open("/projects/math/" + path.format(upload=upload.pk))
        assert page.evaluate("document.documentElement.scrollWidth") == 360, path
        current = page.locator("nav.tabs [aria-current]").bounding_box()
        assert current, path
        assert 0 <= current["x"] <= 360 - current["width"], path
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        page.emulate_media(color_scheme="dark")
        found = Axe().run(page, options={"runOnly": ["color-contrast"]})
        assert found.violations_count == 0, f"{path}, dark: {found.generate_report()}"
