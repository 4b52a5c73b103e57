"""Failed log-ins are counted over all processes, and lock what they were made with."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.conf import settings as django_settings
from django.core.cache import cache
from django.test import Client, RequestFactory
from pytest_django import Settings

from tests.factories import PASSWORD, make_user
from web import login_limit
from web.login_limit import MOST_BY_ADDRESS, MOST_BY_NAME, WINDOW_SECONDS, Locked
from web.models import User

pytestmark = pytest.mark.django_db

HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture(autouse=True)
def prefix(settings: Settings) -> str:
    """Count anew in each test; return what the keys begin with."""
    prefix = f"limit-{uuid4()}"
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": prefix}}
    return prefix


@pytest.fixture
def ada() -> User:
    return make_user("ada", password=PASSWORD)


def log_in(name: str, password: str, *, address: str = HERE) -> int:
    form = {"username": name, "password": password}
    return Client(REMOTE_ADDR=address).post("/login/", form).status_code


def fail(times: int, *, name: str = "ada", address: str = HERE) -> None:
    for _ in range(times):
        login_limit.begin(name=name, address=address).failed()


def test_the_tenth_failure_locks_and_the_right_password_does_not_help(ada: User) -> None:
    assert [log_in("ada", "wrong") for _ in range(MOST_BY_NAME)] == [200] * MOST_BY_NAME
    assert log_in("ada", "wrong") == 429
    assert log_in("ada", PASSWORD) == 429


def test_before_the_tenth_the_right_password_still_opens_and_clears_the_count(ada: User) -> None:
    for _ in range(2):
        fail(MOST_BY_NAME - 1)
        assert log_in("ada", PASSWORD) == 302


def test_the_page_says_when_to_try_again_and_the_same_of_every_name(ada: User) -> None:
    pages = []
    for name in ("ada", "nobody"):
        fail(MOST_BY_NAME, name=name)
        answer = Client(REMOTE_ADDR=HERE).post("/login/", {"username": name, "password": PASSWORD})
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= WINDOW_SECONDS
        pages.append(answer.content.decode())
        assert re.search("Try again in 1[45] minutes", pages[-1])
        assert '<time datetime="' in pages[-1]
        assert name not in pages[-1]


def test_only_the_name_and_the_address_that_failed_are_locked() -> None:
    fail(MOST_BY_NAME)
    with pytest.raises(Locked):
        fail(1)
    fail(1, address=THERE)
    fail(1, name="bob")


@pytest.mark.parametrize("name", ["ADA", " ada ", "ａｄａ"])
def test_another_spelling_of_a_name_is_the_same_name(name: str) -> None:
    fail(MOST_BY_NAME)
    with pytest.raises(Locked):
        fail(1, name=name)


def test_an_address_that_tries_many_names_is_locked_for_all() -> None:
    for number in range(MOST_BY_ADDRESS):
        fail(1, name=f"user{number}")
    with pytest.raises(Locked):
        fail(1, name="ada")
    fail(1, address=THERE)


def test_a_success_does_not_count_for_its_address() -> None:
    for number in range(MOST_BY_ADDRESS + 5):
        login_limit.begin(name=f"user{number}", address=HERE).succeeded()
    fail(1)


def test_a_success_does_not_wash_away_what_its_address_failed_before() -> None:
    for number in range(MOST_BY_ADDRESS):
        login_limit.begin(name="own", address=HERE).succeeded()
        fail(1, name=f"user{number}")
    with pytest.raises(Locked):
        fail(1)


def valkey() -> Any:
    return redis.from_url(django_settings.CACHES["default"]["LOCATION"])


def test_a_lock_opens_when_its_time_is_over(prefix: str) -> None:
    fail(MOST_BY_NAME)
    with pytest.raises(Locked) as locked:
        fail(1)
    assert 0 < locked.value.seconds <= WINDOW_SECONDS
    client = valkey()
    for key in client.keys(f"{prefix}:*"):
        client.pexpire(key, 1)
    while client.keys(f"{prefix}:*"):
        pass
    fail(MOST_BY_NAME)


def test_nothing_is_counted_for_ever(prefix: str) -> None:
    fail(MOST_BY_NAME)
    client = valkey()
    kept = list(client.keys(f"{prefix}:*"))
    assert len(kept) == 3
    assert all(0 < client.ttl(key) <= WINDOW_SECONDS for key in kept)


def test_a_counter_whose_window_passes_in_the_middle_still_ends() -> None:
    key = login_limit._key("name", "ada", HERE)
    client = valkey()
    client.set(cache.make_key(key), 0)  # what `incr` leaves when the key is gone under it
    fail(1)
    assert 0 < client.ttl(cache.make_key(key)) <= WINDOW_SECONDS


def test_many_at_once_are_not_more_than_many_in_a_row() -> None:
    def guess(_: int) -> bool:
        try:
            login_limit.begin(name="ada", address=HERE)
        except Locked:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(guess, range(60))) == MOST_BY_NAME


GUESSES = """
import sys, django
from django.conf import settings
settings.CACHES["default"]["KEY_PREFIX"] = sys.argv[1]
django.setup()
from web import login_limit
for _ in range(8):
    try:
        login_limit.begin(name="ada", address="192.0.2.1").failed()
        print("let through", flush=True)
    except login_limit.Locked:
        print("locked", flush=True)
"""


def test_two_processes_count_together(prefix: str) -> None:
    both = [
        subprocess.Popen([sys.executable, "-c", GUESSES, prefix], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [line for process in both for line in process.communicate()[0].splitlines()]
    assert [process.returncode for process in both] == [0, 0]
    assert (said.count("let through"), said.count("locked")) == (MOST_BY_NAME, 6)
    with pytest.raises(Locked):
        fail(1)


@pytest.mark.parametrize(
    ("behind_proxy", "forwarded", "address"),
    [
        (False, "198.51.100.7", HERE),
        (True, "198.51.100.7", "198.51.100.7"),
        (True, "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (True, "", HERE),
        (True, "198.51.100.7, unknown", "unknown"),
        (True, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (True, "::ffff:198.51.100.7", "198.51.100.7"),
    ],
)
def test_the_proxys_word_is_believed_only_where_there_is_one(
    settings: Settings, behind_proxy: bool, forwarded: str, address: str
) -> None:
    settings.STEPMARK_BEHIND_PROXY = behind_proxy
    request = RequestFactory().post(
        "/login/", REMOTE_ADDR=HERE, headers={"x-forwarded-for": forwarded}
    )
    assert login_limit.address_of(request) == address


def test_a_made_up_header_does_not_get_around_the_limit(ada: User) -> None:
    statuses = [
        Client(REMOTE_ADDR=HERE)
        .post(
            "/login/",
            {"username": "ada", "password": "wrong"},
            headers={"x-forwarded-for": f"198.51.100.{number}"},
        )
        .status_code
        for number in range(MOST_BY_NAME + 1)
    ]
    assert statuses == [200] * MOST_BY_NAME + [429]


def test_where_failures_cannot_be_counted_nobody_is_let_in(ada: User, settings: Settings) -> None:
    closed = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {"default": closed}
    assert log_in("ada", PASSWORD) == 503
    assert Client().get("/login/").status_code == 200
