"""How long after Enter the next solution is on the screen, against an empty view's round trip.

Both are measured in the browser, by turns, with the annotator taking a moment for each solution.
"""

import os
import shutil
from statistics import median
from typing import Any

from django.test import Client
from playwright.sync_api import Page, sync_playwright

from annotation.models import Membership
from bench.filled_queue import fill, settle_queue
from bench.served import served
from web.models import User

LIMIT = 3.0
STEPS = 4
A_MOMENT_MS = 400

# From the key on the way down to the frame that shows another solution.
_WATCH = """() => {
  const before = document.querySelector("[data-work]").dataset.assignment;
  window.shown = new Promise((resolve) => {
    let pressed;
    const press = () => { pressed = performance.now(); };
    addEventListener("keydown", press, {capture: true, once: true});
    const look = () => {
      const now = document.querySelector("[data-work]");
      if (pressed && now && now.dataset.assignment !== before) {
        requestAnimationFrame(() => resolve(performance.now() - pressed));
      } else requestAnimationFrame(look);
    };
    look();
  });
}"""
_EMPTY = """async () => {
  const began = performance.now();
  await (await fetch("/bare/empty/", {cache: "no-store"})).text();
  return performance.now() - began;
}"""


def measure(solutions: int) -> dict[str, Any]:
    """Label `solutions` by keyboard and return the bar."""
    project = fill(solutions + 5, steps=STEPS, overlap=1)
    settle_queue()
    # Playwright keeps an event loop in this thread; the rows are still made one by one.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    user = User.objects.create_user("on-screen")
    Membership.objects.create(
        user=user, project=project, role="labeler", practised_at=project.created_at
    )
    client = Client()
    client.force_login(user)
    session = client.cookies["sessionid"].value
    with served() as port, sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=arguments
        )
        context = browser.new_context()
        url = f"http://127.0.0.1:{port}"
        context.add_cookies([{"name": "sessionid", "value": session, "url": url}])
        page = context.new_page()
        page.goto(f"{url}/label/{project.slug}/")
        next_ms, empty_ms = _label(page, solutions)
        browser.close()
    return {
        "name": "next solution on screen after Enter, against an empty view",
        "unit": "ms",
        "measured": round(median(next_ms), 1),
        "reference": round(median(empty_ms), 1),
        "ratio": round(median(next_ms) / median(empty_ms), 3),
        "limit": LIMIT,
        "limit_kind": "at most",
    }


def _label(page: Page, solutions: int) -> tuple[list[float], list[float]]:
    next_ms, empty_ms = [], []
    for _ in range(solutions):
        page.wait_for_timeout(A_MOMENT_MS)
        for _ in range(STEPS):
            page.keyboard.press("1")
        page.wait_for_timeout(A_MOMENT_MS)
        page.evaluate(_WATCH)
        page.keyboard.press("Enter")
        next_ms.append(page.evaluate("() => window.shown"))
        page.wait_for_timeout(A_MOMENT_MS)
        empty_ms.append(page.evaluate(_EMPTY))
    return next_ms, empty_ms
