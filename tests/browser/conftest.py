"""A real browser, and a page of it that remembers everything that went wrong."""

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    Request,
    expect,
    sync_playwright,
)

from web.models import User

# A busy machine is slow now and then; whoever sees what they wait for waits no longer.
expect.set_options(timeout=30_000)

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")

# Set before any page script: a violation of the policy is an event, not an exception.
WATCH_POLICY = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


# Of this package, not the session: Playwright's event loop would outlive the browser's tests, and
# code under test that starts a loop of its own would find one running.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.fail("browser tests need Chromium: apt-get install chromium")
    # Chromium refuses to sandbox itself for root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    # Playwright keeps an event loop in this thread; the rows are still made one by one.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=arguments)
        yield launched
        launched.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@dataclass
class Watched:
    """A page of the browser with what it complained of and which hosts it asked."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.add_init_script(WATCH_POLICY)
        self.page.on("console", self._heard)
        self.page.on("pageerror", self._broke)
        self.page.on("request", self._asked)

    def open(self, path: str) -> None:
        answer = self.page.goto(f"{self.address}{path}")
        assert answer is not None
        assert answer.status == 200, f"{path}: {answer.status}"

    def log_in(self, user: User) -> None:
        """Give the browser a session of `user`, without the form."""
        client = Client()
        client.force_login(user)
        cookie = client.cookies["sessionid"].value
        self.page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": self.address}])

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _broke(self, error: Error) -> None:
        self.complaints.append(str(error))

    def _asked(self, request: Request) -> None:
        self.hosts.add(urlsplit(request.url).netloc or urlsplit(request.url).scheme)


def wait_for_the_server() -> None:
    """Return when no thread of the server is at work in the database any more."""
    working = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
    """
    # A request that has just come in is not in the database yet: idle once is not enough.
    idle = 0
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute(working)
            idle = idle + 1 if cursor.fetchone() == (0,) else 0
        if idle == 5:
            return
        time.sleep(0.05)


@pytest.fixture
def watched(browser: Browser, live_server: object) -> Iterator[Watched]:
    """A fresh page; the test fails where the page complained or asked another host."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    tab = Watched(context.new_page(), str(live_server))
    yield tab
    complaints = list(tab.complaints)
    # What the page says on leaving would meet a database that is being emptied.
    context.route("**", lambda route: route.abort())
    context.close()
    wait_for_the_server()
    assert complaints == []
    assert tab.hosts <= {urlsplit(tab.address).netloc, "data"}
