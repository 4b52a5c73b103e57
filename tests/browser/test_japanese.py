"""The site in Japanese, as somebody sees it who works in it."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from annotation.models import Annotation, Project, Solution
from tests.browser.conftest import Watched
from tests.browser.label_scenes import marks_of, press
from tests.factories import (
    make_annotation,
    make_assignment,
    make_invitation,
    make_labeler,
    make_lease,
    make_problem,
    make_project,
    make_run,
    make_solution,
    make_step,
    make_user,
)
from web.models import User

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "step-by-step-9"
PROBLEM = (
    "ジャネットのアヒルは1日に16個の卵を産みます。毎朝3個を朝食に食べ、4個で友達のために"
    "マフィンを焼き、残りを市場で1個2ドルで売ります。1日の売り上げは何ドルですか。"
)
STEPS = (
    "ジャネットは3個を食べ、4個をマフィンに使うので、1日に $3 + 4 = 7$ 個を使います。",
    "アヒルは毎日16個の卵を産みます。",
    "売りに出す卵は、1日に $16 - 7 = 11$ 個です。",
    r"1個2ドルなので、売り上げは $2 \times 11 = 22$ ドルです。",
    "答え：$22$",
)
COMPOSED_ENTER = """() => document.activeElement.dispatchEvent(new KeyboardEvent("keydown",
  {key: "Enter", isComposing: true, bubbles: true, cancelable: true}))"""

PAGES = {
    "/": "あなたのプロジェクト",
    "/projects/": "あなたの役割",
    "/projects/new/": "評価の方式",
    "/projects/ducks/": "担当の状況",
    "/projects/ducks/problems/": "解答 3 件",
    "/projects/ducks/problems/{problem}/": "正答",
    "/projects/ducks/solutions/": "含まれる評価",
    "/projects/ducks/solutions/{marked}/": "終了理由",
    "/projects/ducks/solutions/{held}/": "現在の担当",
    "/projects/ducks/guidelines/": "4つの評価",
    "/projects/ducks/guidelines/edit/": "プレビュー",
    "/projects/ducks/members/": "参加している人",
    "/projects/ducks/report/?by=day": "作業時間",
    "/projects/ducks/runs/": "モデルのラベラー",
    "/projects/ducks/runs/{run}/": "毎分",
    "/projects/ducks/routing/": "最初に評価するモデル",
    "/projects/ducks/settings/": "1つの解答を評価する人数",
    "/projects/ducks/clone/": "このプロジェクトを複製",
    "/projects/ducks/archive/": "何も削除されません",
    "/work/": "自分の作業",
    "/account/": "タイムゾーン",
    "/account/keys/": "次のステップ",
    "/account/password/": "パスワードを変更",
    "/account/tokens/": "トークンを作る",
    "/label/ducks/": "提出",
    "/label/ducks/practice/": "答え合わせ",
    "/label/built/": "候補",
    "/projects/nowhere/": "見つかりません",
}
# Every Latin word that a page shows, be it hidden now or read out only, but for what is typed,
# computed or named alike everywhere: keys, commands, formulas, places of the world.
LATIN = """() => {
  const same = "script, noscript, kbd, code, pre, math, textarea, .who, select[name=time_zone]";
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const said = [document.title];
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.closest(same)) said.push(walker.currentNode.data);
  }
  for (const node of document.querySelectorAll("[aria-label], [title], [placeholder], [data-of]")) {
    for (const name of ["aria-label", "title", "placeholder", "data-of"]) {
      said.push(node.getAttribute(name) ?? "");
    }
  }
  return [...new Set(said.flatMap((text) => text.match(/[A-Za-z]{2,}/g) ?? []))].sort();
}"""
SAME_EVERYWHERE = {
    *(
        "Stepmark",
        "API",
        "CSV",
        "JSON",
        "JavaScript",
        "Markdown",
        "English",
        "UTC",
        "ID",
        "Enter",
        "Esc",
    ),
    *("read", "label", "review", "manage"),  # as programs spell a token's rights
    *("scripted", "canned", "zero", "shot", "temperature", "newline"),  # who wrote, and how
    *("local", "openai"),
}


@pytest.fixture
def hanako() -> User:
    return make_user(
        "花子", password=PASSWORD, language="ja", time_zone="Asia/Tokyo", daily_goal=60,
        is_superuser=True,
    )  # fmt: skip


@pytest.fixture
def ducks(hanako: User) -> Project:
    """A project in which work waits, is held, and was done by a person and a model."""
    project = make_project("ducks", members={hanako: "manager"}, name="アヒルの卵")
    project.memberships.update(practised_at=project.created_at)
    problem = make_problem(project, PROBLEM, reference_solution="7個を引きます。", source="手作り")
    waits, marked, held = (
        make_solution(problem, [f"解答例{n}。{STEPS[0]}", *STEPS[1:]], final_answer="22",
                      is_correct=n == 2)
        for n in range(1, 4)
    )  # fmt: skip
    taro = make_labeler(user=make_user("太郎"))
    model = make_labeler("算術判定")
    make_annotation(
        marked, taro, ratings=[1, 0, -1], finish_reason="found_error", total_time_ms=125_000
    )
    at = datetime(2026, 3, 1, 15, 30, tzinfo=UTC)
    make_annotation(marked, model, ratings=[1, 1, -1], score=0.25, submitted_at=at)
    make_step(marked, 2, "売りに出す卵は9個です。", alternative=1)
    make_assignment(waits)
    make_lease(make_assignment(held), taro)
    make_invitation(project, hanako, note="次郎さん")
    make_run(project, state="running", done=1234, total=5678, completion_tokens=98_765)
    make_run(project, state="cancelled", kind="labelling")
    return project


def latin_words(page: Page) -> set[str]:
    return set(page.evaluate(LATIN)) - SAME_EVERYWHERE


def as_wide_as_the_screen(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_a_solution_is_marked_in_japanese_by_keyboard(
    watched: Watched, hanako: User, ducks: Project
) -> None:
    page = watched.page
    page.context.set_extra_http_headers({"Accept-Language": "ja"})
    watched.open("/login/")
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    page.get_by_label("ユーザー名").fill("花子")
    page.get_by_label("パスワード").fill(PASSWORD)
    press(page, "Enter")
    page.get_by_role("link", name="評価する").click()
    expect(page.locator("[aria-current=step]")).to_contain_text("解答例1")
    press(page, "1 2 3")
    expect(page.locator("[data-live]")).to_contain_text("ステップ 3：誤り。")
    expect(page.locator("[data-saved]")).to_have_text("保存済み")
    expect(page.locator(".place.shut").first).to_contain_text("評価なし")
    # The Enter that takes over what an input method composed is no Enter of ours.
    page.evaluate(COMPOSED_ENTER)
    page.wait_for_timeout(300)
    assert not Annotation.objects.filter(labeler__user=hanako).exists()
    press(page, "Enter")
    expect(page.get_by_role("heading", name="いまは割り当てられる作業がありません")).to_be_visible()
    done = Annotation.objects.get(labeler__user=hanako)
    assert (done.finish_reason, marks_of(done)) == ("found_error", [1, 0, -1])
    expect(page.locator("[data-waiting]")).to_contain_text("1 件の解答をほかの人が担当中です")
    assert latin_words(page) == set()


@pytest.fixture
def addresses(ducks: Project, hanako: User) -> dict[str, int]:
    built = make_project("built", members={hanako: "manager"}, name="組み立て", mode="explore")
    built.memberships.update(practised_at=built.created_at)
    problem = make_problem(built, PROBLEM)
    make_solution(problem, STEPS)
    blank = make_solution(problem, [], built=True, engine="scripted", model="")
    make_assignment(blank)
    marked, held = Solution.objects.filter(project=ducks).order_by("pk")[1:]
    return {
        "problem": marked.problem_id,
        "marked": marked.pk,
        "held": held.pk,
        "run": ducks.runs.earliest("pk").pk,
    }


@pytest.mark.parametrize(("address", "says"), PAGES.items())
def test_a_page_says_nothing_in_english(
    watched: Watched, hanako: User, addresses: dict[str, int], address: str, says: str
) -> None:
    watched.log_in(hanako)
    page = watched.page
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(f"{watched.address}{address.format(**addresses)}")
    expect(page.locator("body")).to_contain_text(says)
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    assert latin_words(page) == set()
    assert as_wide_as_the_screen(page)
    watched.complaints[:] = [one for one in watched.complaints if "404" not in one]


def test_dates_times_and_numbers_are_written_as_in_japan(
    watched: Watched, hanako: User, addresses: dict[str, int]
) -> None:
    watched.log_in(hanako)
    body = watched.page.locator("main")
    watched.open(f"/projects/ducks/solutions/{addresses['marked']}/")
    expect(body).to_contain_text("2026/03/02 0:30")
    expect(body).to_contain_text("2 分")
    watched.open("/projects/ducks/")
    expect(body).to_contain_text("1,234 / 5,678")
    expect(body).to_contain_text("98,765 トークン")
    watched.open("/projects/ducks/members/")
    expect(body).to_contain_text(re.compile(r"参加日: \d{4}年\d{1,2}月\d{1,2}日"))


def test_a_language_that_the_site_does_not_speak_is_answered_in_english(watched: Watched) -> None:
    watched.page.context.set_extra_http_headers({"Accept-Language": "de-DE,de;q=0.9"})
    watched.open("/login/")
    expect(watched.page.locator("html")).to_have_attribute("lang", "en")
    expect(watched.page.get_by_role("heading", name="Log in")).to_be_visible()
