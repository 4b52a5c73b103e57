"""API tokens: hashed, scoped, expiring, and who they let in."""

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from tests.factories import make_project, make_token, make_user
from web.models import ApiToken, User

pytestmark = pytest.mark.django_db


class Whoami(APIView):
    def get(self, request: Request) -> Response:
        return Response(request.user.get_username())


def asked_with(secret: str | None) -> Response:
    headers = {} if secret is None else {"Authorization": f"Token {secret}"}
    response = Whoami.as_view()(APIRequestFactory().get("/", headers=headers))
    assert isinstance(response, Response)
    return response


def test_no_account_and_no_token_exists_until_someone_makes_one() -> None:
    assert not User.objects.exists()
    assert not ApiToken.objects.exists()


def test_a_token_lets_its_owner_in_and_remembers_when() -> None:
    token, secret = make_token(make_user("ada"))
    assert asked_with(secret).data == "ada"
    token.refresh_from_db()
    used_at = token.last_used_at
    assert used_at is not None
    asked_with(secret)
    token.refresh_from_db()
    assert token.last_used_at == used_at
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(hours=1))
    asked_with(secret)
    token.refresh_from_db()
    assert token.last_used_at is not None
    assert token.last_used_at > used_at


def test_nobody_gets_in_without_a_token_or_with_a_wrong_one() -> None:
    _, secret = make_token(make_user())
    for wrong in (None, "nonsense", secret[:-1] + ("0" if secret[-1] != "0" else "1")):
        response = asked_with(wrong)
        assert response.status_code == 401
        assert set(response.data) == {"detail", "code", "request_id", "errors"}


def test_an_expired_token_lets_nobody_in() -> None:
    token, secret = make_token(make_user())
    ApiToken.objects.filter(pk=token.pk).update(expiry=timezone.now() - timedelta(seconds=1))
    assert asked_with(secret).status_code == 401


def test_a_deactivated_owner_is_kept_out() -> None:
    user = make_user()
    _, secret = make_token(user)
    user.is_active = False
    user.save()
    assert asked_with(secret).status_code == 401


def test_the_secret_is_not_stored() -> None:
    token, secret = make_token(make_user())
    token.refresh_from_db()
    assert secret.startswith("smk_")
    stored = [str(getattr(token, field.attname)) for field in ApiToken._meta.concrete_fields]
    assert not any(secret in value for value in stored)


def test_a_token_names_the_projects_it_opens() -> None:
    token, _ = make_token(make_user())
    project = make_project()
    project.tokens.add(token)
    assert list(token.projects.all()) == [project]
    assert not token.every_project


def test_an_unknown_scope_is_refused_by_the_database() -> None:
    with pytest.raises(IntegrityError, match="api_token_scopes_are_known"):
        make_token(make_user(), scopes=["everything"])
