"""A user's own settings, keys and password."""

import pytest
from django.test import Client

from tests.factories import PASSWORD, make_user
from web.keys import DEFAULT_KEYS, keys_of
from web.models import User

pytestmark = pytest.mark.django_db

PAGES = ["/account/", "/account/keys/", "/account/password/"]
NEW = "nine loud candles"


@pytest.fixture
def ada() -> User:
    return make_user("ada", password=PASSWORD)


@pytest.fixture
def own(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def keys_form(**changes: str) -> dict[str, str]:
    """Return the form of the keys as the page sends it, with some fields changed."""
    sent = {}
    for action, keys in DEFAULT_KEYS.items():
        sent[f"{action}_1"] = keys[0]
        sent[f"{action}_2"] = keys[1] if len(keys) > 1 else ""
    return {**sent, **changes}


@pytest.mark.parametrize("path", PAGES)
def test_strangers_and_other_methods_are_turned_away(own: Client, path: str) -> None:
    assert own.get(path).status_code == 200
    assert own.put(path).status_code == 405
    assert Client().get(path).headers["Location"] == f"/login/?next={path}"
    assert Client().post(path).headers["Location"] == f"/login/?next={path}"


def test_every_page_leads_to_the_account(own: Client) -> None:
    assert 'href="/account/"' in own.get("/").content.decode()


def test_settings_are_kept_and_shown(own: Client, ada: User) -> None:
    form = {"language": "ja", "time_zone": "Asia/Tokyo", "daily_goal": "40"}
    page = own.post("/account/", form, follow=True).content.decode()
    ada.refresh_from_db()
    assert (ada.language, ada.time_zone, ada.daily_goal) == ("ja", "Asia/Tokyo", 40)
    assert '<option value="Asia/Tokyo" selected>Tokyo</option>' in page
    own.post("/account/", {"language": "", "time_zone": "", "daily_goal": ""})
    ada.refresh_from_db()
    assert (ada.language, ada.time_zone, ada.daily_goal) == ("", "", None)


def test_nothing_else_of_the_account_can_be_set(own: Client, ada: User) -> None:
    own.post("/account/", {"is_staff": "on", "is_superuser": "on", "username": "root"})
    ada.refresh_from_db()
    assert (ada.username, ada.is_staff, ada.is_superuser) == ("ada", False, False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"language": "xx"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"daily_goal": "0"},
        {"daily_goal": "-3"},
        {"daily_goal": "10001"},
    ],
)
def test_wrong_settings_are_refused(own: Client, ada: User, wrong: dict[str, str]) -> None:
    assert 'class="errorlist"' in own.post("/account/", wrong).content.decode()
    ada.refresh_from_db()
    assert (ada.language, ada.time_zone, ada.daily_goal) == ("", "", None)


def test_only_changed_keys_are_kept(own: Client, ada: User) -> None:
    own.post("/account/keys/", keys_form(great_1="x", submit_2="Q"))
    ada.refresh_from_db()
    assert ada.keys == {"great": ["x", "g"], "submit": ["Enter", "q"]}
    page = own.get("/account/keys/").content.decode()
    assert 'name="great_1" value="x"' in page


def test_two_actions_can_swap_their_keys(own: Client, ada: User) -> None:
    own.post("/account/keys/", keys_form(great_1="3", bad_1="1"))
    ada.refresh_from_db()
    assert keys_of(ada)["great"] == ("3", "g")
    assert keys_of(ada)["bad"] == ("1", "b")


@pytest.mark.parametrize(
    "wrong",
    [
        {"great_1": "2"},
        {"great_2": "S"},
        {"great_1": "g", "great_2": "g"},
        {"great_1": ""},
        {"great_1": "Escape"},
        {"skip_1": "Enter"},
        {"skip_1": " "},
    ],
)
def test_keys_that_are_missing_wrong_or_used_twice_are_refused(
    own: Client, ada: User, wrong: dict[str, str]
) -> None:
    assert 'class="errorlist"' in own.post("/account/keys/", keys_form(**wrong)).content.decode()
    ada.refresh_from_db()
    assert ada.keys == {}


def test_the_keys_go_back_to_the_defaults(own: Client, ada: User) -> None:
    ada.keys = {"great": ["x"]}
    ada.save()
    own.post("/account/keys/", {**keys_form(great_1="y"), "reset": "1"})
    ada.refresh_from_db()
    assert ada.keys == {}


def test_a_new_password_takes_the_old_one_and_ends_other_sessions(own: Client, ada: User) -> None:
    other = Client()
    other.force_login(ada)
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    page = own.post("/account/password/", form, follow=True).content.decode()
    assert "Your password is changed." in page
    ada.refresh_from_db()
    assert ada.check_password(NEW)
    assert own.get("/account/").status_code == 200
    assert other.get("/account/").status_code == 302


@pytest.mark.parametrize(
    "wrong",
    [
        {"old_password": "not this one"},
        {"new_password2": "another one"},
        {"new_password1": "short", "new_password2": "short"},
        {"new_password1": "password123", "new_password2": "password123"},
    ],
)
def test_a_wrong_or_weak_password_changes_nothing(
    own: Client, ada: User, wrong: dict[str, str]
) -> None:
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW, **wrong}
    assert 'class="errorlist"' in own.post("/account/password/", form).content.decode()
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)
