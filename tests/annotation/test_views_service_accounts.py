"""The page of service accounts. Who may come: test_every_address."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from annotation.models import Membership
from tests.factories import make_project, make_token, make_user
from web.models import ApiToken, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def own(client: Client) -> Client:
    ada = make_user("ada")
    make_project("eggs", members={ada: "manager"})
    client.force_login(ada)
    return client


def address(name: str, *more: object) -> str:
    return reverse(name, args=["eggs", *more])


def make(own: Client, name: str = "checker") -> int:
    own.post(address("service_accounts"), {"name": name})
    return Membership.objects.get(user__username=name).pk


def test_a_program_is_made_and_its_token_shown_once(own: Client) -> None:
    pk = make(own)
    assert "checker" in own.get(address("service_accounts")).content.decode()
    form = {"name": "job", "scopes": ["label"], "days": "30"}
    page = own.post(address("service_account", pk), form, follow=True).content.decode()
    (secret,) = re.findall(r"<code>(smk_\w{20,})</code>", page)
    assert secret not in own.get(address("service_account", pk)).content.decode()
    assert ApiToken.objects.get().user == User.objects.get(is_service=True)


def test_a_token_of_it_is_revoked_and_nobody_elses(own: Client) -> None:
    pk = make(own)
    form = {"name": "job", "scopes": ["label"], "days": "30"}
    own.post(address("service_account", pk), form)
    mine, other = ApiToken.objects.get(), make_token(make_user())[0]
    assert own.post(address("revoke_service_token", pk, other.token_key)).status_code == 404
    own.post(address("revoke_service_token", pk, mine.token_key))
    assert list(ApiToken.objects.all()) == [other]


def test_wrong_forms_are_said(own: Client) -> None:
    pk = make(own)
    page = own.post(address("service_accounts"), {"name": "checker"}).content.decode()
    assert "Another account or labeler is named checker." in page
    for wrong in ({"scopes": ["manage"]}, {"days": "0"}, {"name": ""}):
        form = {"name": "job", "scopes": ["label"], "days": "30", **wrong}
        assert (
            'class="errorlist"' in own.post(address("service_account", pk), form).content.decode()
        )
    assert not ApiToken.objects.exists()
