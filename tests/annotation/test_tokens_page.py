"""A user's own API tokens: made, shown once, listed, revoked."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from annotation.models import Project
from tests.factories import make_project, make_token, make_user
from web.models import ApiToken, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_user("ada")


@pytest.fixture
def algebra(ada: User) -> Project:
    return make_project("algebra", members={ada: "labeler"})


@pytest.fixture
def own(client: Client, ada: User, algebra: Project) -> Client:
    client.force_login(ada)
    return client


def form(**more: object) -> dict[str, object]:
    return {"name": "training job", "scopes": ["label"], "days": "30", **more}


def test_a_new_token_is_shown_once_and_opens_what_it_names(own: Client, algebra: Project) -> None:
    sent = own.post("/account/tokens/", form(projects=[algebra.pk]))
    assert sent.headers["Location"] == "/account/tokens/"
    answer = own.get("/account/tokens/")
    secrets = re.findall(r"<code>(smk_\w{20,})</code>", answer.content.decode())
    assert len(secrets) == 1
    assert "no-store" in answer.headers["Cache-Control"]
    assert secrets[0] not in own.get("/account/tokens/").content.decode()
    token = ApiToken.objects.get()
    assert (token.name, token.scopes, token.every_project) == (
        "training job", ["label"], False,
    )  # fmt: skip
    assert list(token.projects.all()) == [algebra]
    assert token.expiry is not None
    assert timedelta(days=29) < token.expiry - timezone.now() < timedelta(days=31)


def test_a_token_for_all_projects_names_none(own: Client, algebra: Project) -> None:
    own.post("/account/tokens/", form(every_project="on", projects=[algebra.pk]))
    token = ApiToken.objects.get()
    assert token.every_project
    assert not token.projects.exists()


def test_a_token_opens_only_projects_that_its_owner_sees(own: Client) -> None:
    hidden = make_project("hidden")
    page = own.get("/account/tokens/").content.decode()
    assert "Algebra" in page
    assert "Hidden" not in page
    own.post("/account/tokens/", form(projects=[hidden.pk]))
    assert not ApiToken.objects.exists()


def test_the_form_begins_with_the_scope_that_a_link_names(own: Client) -> None:
    address = "/account/tokens/"
    for link, scope in (("?scope=read", "read"), ("?scope=all", "label"), ("", "label")):
        form = own.get(f"{address}{link}").context["form"]
        assert form["scopes"].value() == [scope]


def test_every_scope_is_offered_and_some_may_be_chosen(own: Client) -> None:
    page = own.get("/account/tokens/").content.decode()
    offered = re.findall(r'name="scopes" value="(\w+)"', page)
    assert offered == ["read", "label", "review", "manage"]
    own.post("/account/tokens/", form(every_project="on", scopes=["read", "manage"]))
    assert ApiToken.objects.get().scopes == ["read", "manage"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"every_project": ""},
        {"name": ""},
        {"scopes": []},
        {"scopes": ["admin"]},
        {"scopes": ["label", "admin"]},
        {"days": "0"},
        {"days": "366"},
    ],
)
def test_a_wrong_token_is_not_made(own: Client, wrong: dict[str, object]) -> None:
    page = own.post("/account/tokens/", {**form(every_project="on"), **wrong}).content.decode()
    assert 'class="errorlist"' in page
    assert not ApiToken.objects.exists()


def test_the_list_is_of_own_tokens_and_says_when_they_end(own: Client, ada: User) -> None:
    make_token(ada, name="old one", expiry=timedelta(seconds=-1))
    make_token(make_user(), name="of another")
    page = own.get("/account/tokens/").content.decode()
    assert "old one" in page
    assert "expired" in page
    assert "of another" not in page


def test_a_revoked_token_is_gone(own: Client, ada: User) -> None:
    token, _ = make_token(ada, name="<b>old</b>")
    page = own.post("/account/tokens/revoke/", {"token": token.pk}, follow=True).content.decode()
    assert not ApiToken.objects.exists()
    assert "&lt;b&gt;old" in page
    assert "<b>old" not in page


def test_nobody_revokes_the_token_of_another(own: Client) -> None:
    token, _ = make_token(make_user())
    assert own.post("/account/tokens/revoke/", {"token": token.pk}).status_code == 404
    assert own.post("/account/tokens/revoke/").status_code == 404
    assert ApiToken.objects.filter(pk=token.pk).exists()


def test_strangers_and_other_methods_are_turned_away(own: Client, client: Client) -> None:
    assert own.get("/account/tokens/revoke/").status_code == 405
    assert own.put("/account/tokens/").status_code == 405
    for path in ("/account/tokens/", "/account/tokens/revoke/"):
        assert Client().post(path).headers["Location"] == f"/login/?next={path}"
