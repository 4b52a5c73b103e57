"""The link of an invitation: what it shows, whom it lets in, and what is said of a closed one."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from annotation import members
from annotation.members_forms import SignUpForm
from annotation.models import Invitation, Project
from tests.factories import make_project, make_user
from web.models import User

pytestmark = pytest.mark.django_db

GOOD = "seven quiet lanterns"


@pytest.fixture
def ada() -> User:
    return make_user("ada")


@pytest.fixture
def algebra(ada: User) -> Project:
    return make_project("algebra", members={ada: "manager"})


@pytest.fixture
def secret(algebra: Project, ada: User) -> str:
    return members.invite(project=algebra, role="reviewer", note="for Bo", days=7, user=ada)[1]


def sign_up(client: Client, secret: str, **form: str) -> str:
    """Return where signing up leads, or the page that it shows again."""
    form = {"username": "bo", "password1": GOOD, "password2": GOOD, **form}
    answer = client.post(f"/join/{secret}/", form)
    return answer.headers.get("Location") or answer.content.decode()


def test_it_shows_a_stranger_the_project_and_the_role(client: Client, secret: str) -> None:
    answer = client.get(f"/join/{secret}/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Join Algebra" in page
    assert "Reviewer" in page
    assert f'href="/login/?next=/join/{secret}/"' in page
    assert "for Bo" not in page


def test_looking_uses_nothing_up(client: Client, secret: str) -> None:
    client.get(f"/join/{secret}/")
    client.head(f"/join/{secret}/")
    assert Invitation.objects.open().count() == 1
    assert User.objects.count() == 1


def test_a_user_joins_as_they_are(client: Client, secret: str, algebra: Project) -> None:
    bob = make_user("bob")
    client.force_login(bob)
    page = client.get(f"/join/{secret}/").content.decode()
    assert "Join as bob" in page
    assert "password" not in page
    assert client.post(f"/join/{secret}/").headers["Location"] == "/projects/algebra/"
    assert algebra.memberships.get(user=bob).role == "reviewer"
    assert User.objects.count() == 2


def test_a_stranger_makes_an_account_and_is_logged_in(
    client: Client, secret: str, algebra: Project
) -> None:
    assert sign_up(client, secret) == "/projects/algebra/"
    assert client.get("/projects/algebra/").status_code == 200
    bo = algebra.memberships.get(role="reviewer").user
    assert (bo.username, bo.is_staff, bo.is_superuser) == ("bo", False, False)
    assert bo.check_password(GOOD)


@pytest.mark.parametrize(
    "wrong",
    [
        {"password1": "short", "password2": "short"},
        {"password1": "password123", "password2": "password123"},
        {"password2": "another one"},
        {"username": "ada"},
        {"username": "ADA"},
        {"username": "<b>"},
        {"username": ""},
    ],
)
def test_a_wrong_name_or_password_makes_no_account_and_keeps_the_invitation_open(
    client: Client, secret: str, wrong: dict[str, str]
) -> None:
    assert 'class="errorlist"' in sign_up(client, secret, **wrong)
    assert User.objects.count() == 1
    assert Invitation.objects.open().count() == 1


def test_no_more_can_be_set_than_a_name_and_a_password(client: Client, secret: str) -> None:
    sign_up(client, secret, is_staff="on", is_superuser="on", role="manager")
    bo = User.objects.get(username="bo")
    assert not bo.is_staff
    assert bo.memberships.get().role == "reviewer"


def test_there_is_no_account_without_an_open_invitation(client: Client, secret: str) -> None:
    assert client.post("/join/made-up/", {"username": "bo"}).status_code == 404
    Invitation.objects.update(revoked_at=timezone.now())
    sign_up(client, secret)
    assert User.objects.count() == 1


def test_no_account_stays_where_somebody_else_was_quicker(
    client: Client, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quicker, accept = make_user(), members.accept

    def late(**arguments: object) -> object:
        accept(secret=secret, user=quicker)
        return accept(secret=secret, user=User.objects.get(username="bo"))

    monkeypatch.setattr(members, "accept", late)
    sign_up(client, secret)
    assert not User.objects.filter(username="bo").exists()


def at_once(monkeypatch: pytest.MonkeyPatch, *secrets: str) -> list[tuple[Client, str]]:
    """Sign up by each link, under one name, when all have found the name free."""
    barrier, save = Barrier(len(secrets)), SignUpForm.save

    def together(form: SignUpForm, commit: bool = True) -> User:
        barrier.wait(timeout=30)
        return save(form, commit)

    def post(secret: str) -> tuple[Client, str]:
        client = Client()
        try:
            return client, sign_up(client, secret)
        finally:
            connection.close()

    monkeypatch.setattr(SignUpForm, "save", together)
    with ThreadPoolExecutor(len(secrets)) as pool:
        return list(pool.map(post, secrets))


@pytest.mark.django_db(transaction=True)
def test_a_form_sent_twice_at_once_lets_its_sender_in_by_both(
    algebra: Project, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for client, led_to in at_once(monkeypatch, secret, secret):
        assert led_to == "/projects/algebra/"
        assert client.get(led_to).status_code == 200
    assert User.objects.filter(username="bo").count() == 1
    assert algebra.memberships.filter(role="reviewer").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_choose_one_name_at_once_the_later_is_told(
    algebra: Project, ada: User, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = members.invite(project=algebra, role="labeler", note="", days=7, user=ada)[1]
    answers = sorted(led_to for _, led_to in at_once(monkeypatch, secret, other))
    assert answers[0] == "/projects/algebra/"
    assert "already exists" in answers[1]
    assert Invitation.objects.open().count() == 1


def test_a_form_sent_again_lets_its_sender_in(client: Client, secret: str) -> None:
    sign_up(client, secret)
    assert sign_up(client, secret) == "/projects/algebra/"
    again = Client()
    assert sign_up(again, secret) == "/projects/algebra/"
    assert again.get("/projects/algebra/").status_code == 200


@pytest.mark.parametrize("wrong", [{"username": "cy"}, {"password1": "a guess or two"}])
def test_a_used_link_lets_in_nobody_but_who_used_it(
    secret: str, client: Client, wrong: dict[str, str]
) -> None:
    sign_up(client, secret)
    stranger = Client()
    assert "has been used" in sign_up(stranger, secret, **wrong)
    assert stranger.get("/").status_code == 302


def test_who_is_logged_in_stays_who_they_are_at_a_used_link(client: Client, secret: str) -> None:
    sign_up(client, secret)
    other = Client()
    other.force_login(make_user("cy"))
    assert "has been used" in sign_up(other, secret)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"accepted_at": timezone.now()}, "has been used"),
        ({"revoked_at": timezone.now()}, "has been revoked"),
        ({"expires_at": timezone.now() - timedelta(hours=1)}, "time of this invitation is over"),
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_closed_link_says_plainly_why(
    client: Client, secret: str, change: dict[str, object], says: str, method: str
) -> None:
    Invitation.objects.update(**change)
    answer = getattr(client, method)(f"/join/{secret}/")
    assert answer.status_code == 410
    assert says in answer.content.decode()
    assert "Algebra" not in answer.content.decode()


def test_whoever_has_used_a_link_is_told_so(client: Client, secret: str) -> None:
    sign_up(client, secret)
    answer = client.get(f"/join/{secret}/")
    assert answer.status_code == 410
    assert "You have used this invitation already" in answer.content.decode()


def test_a_link_that_was_never_made_is_not_found(client: Client) -> None:
    assert client.get("/join/made-up/").status_code == 404


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_it_takes_no_other_method(client: Client, secret: str, method: str) -> None:
    assert getattr(client, method)(f"/join/{secret}/").status_code == 405


def test_no_page_is_told_the_address_and_nothing_keeps_it(client: Client, secret: str) -> None:
    for _ in range(2):
        answer = client.get(f"/join/{secret}/")
        assert answer.headers["Referrer-Policy"] == "strict-origin"
        assert "no-store" in answer.headers["Cache-Control"]
        Invitation.objects.update(revoked_at=timezone.now())


def test_the_log_does_not_name_the_secret(
    client: Client, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers = [handler for handler in logging.getLogger().handlers if handler.name == "stderr"]
    written = StringIO()
    monkeypatch.setattr(handlers[0], "stream", written)
    assert Client(enforce_csrf_checks=True).post(f"/join/{secret}/").status_code == 403
    Invitation.objects.update(revoked_at=timezone.now())
    assert client.get(f"/join/{secret}/").status_code == 410
    assert written.getvalue().count("/join/…") == 2
    assert secret not in written.getvalue()
