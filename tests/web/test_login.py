import pytest
from django.test import Client

from tests.factories import PASSWORD, make_user
from web.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_user("ada", password=PASSWORD)


def log_in(client: Client, *, name: str = "ada", password: str = PASSWORD, **more: str) -> str:
    """Return where a log-in leads, or the page that it shows again."""
    response = client.post("/login/", {"username": name, "password": password, **more})
    return response.headers.get("Location") or response.content.decode()


def test_no_account_exists_until_someone_makes_one() -> None:
    assert User.objects.count() == 0


def test_the_right_password_opens_the_first_page(client: Client, ada: User) -> None:
    assert log_in(client) == "/"
    assert client.get("/").status_code == 200


def test_a_page_asked_for_before_is_shown_after(client: Client, ada: User) -> None:
    asked = client.get("/projects/?after=3").headers["Location"]
    assert asked == "/login/?next=/projects/%3Fafter%3D3"
    assert log_in(client, next="/projects/?after=3") == "/projects/?after=3"


@pytest.mark.parametrize(
    "elsewhere",
    ["//evil.example", "https://evil.example/", "///evil.example", "\\\\evil.example",
     "/\\evil.example", "javascript:alert(1)", "http:evil.example", "https://testserver@evil.example"],
)  # fmt: skip
def test_nobody_is_led_to_another_site(client: Client, ada: User, elsewhere: str) -> None:
    assert log_in(client, next=elsewhere) == "/"


def test_a_failure_says_the_same_of_every_account(client: Client, ada: User) -> None:
    make_user("gone", password=PASSWORD, is_active=False)

    def page(name: str, password: str) -> str:
        said = log_in(client, name=name, password=password)
        csrf = client.cookies["csrftoken"].value
        assert csrf
        return said.split('role="alert">')[1].split("<")[0]

    wrong_password = page("ada", "not this one")
    assert wrong_password == page("nobody", PASSWORD) == page("gone", PASSWORD)
    assert "ada" not in wrong_password


def test_logging_out_takes_a_post_and_ends_the_session(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").headers["Location"] == "/login/"
    assert client.get("/").status_code == 302


def test_the_admin_has_no_second_login(client: Client, ada: User) -> None:
    assert client.get("/admin/login/?next=/admin/").headers["Location"] == "/login/?next=/admin/"
    assert client.post("/admin/login/").headers["Location"] == "/login/"


def test_who_may_not_see_the_admin_is_told_who_they_are(client: Client, ada: User) -> None:
    client.force_login(ada)
    page = client.get("/admin/", follow=True).content.decode()
    assert "You are logged in as ada" in page


def test_the_session_cookie_is_out_of_reach_of_scripts(client: Client, ada: User) -> None:
    log_in(client)
    assert client.cookies["sessionid"]["httponly"]
    assert client.cookies["sessionid"]["samesite"] == "Lax"
