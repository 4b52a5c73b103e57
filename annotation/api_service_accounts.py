"""A project's service accounts over REST, for those who manage it."""

from typing import Any

from django.contrib.auth.validators import UnicodeUsernameValidator
from django.shortcuts import get_object_or_404
from django.urls import reverse
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import members, service_accounts
from annotation.api_runs import ManagedView
from annotation.models import Membership, Project
from annotation.service_accounts import SCOPES
from annotation.tokens_forms import LONGEST_DAYS
from web.api_bodies import Body
from web.api_pages import check_parameters
from web.models import ApiToken, Scope


class AccountFields(Body[dict[str, Any]]):
    name = serializers.CharField(max_length=150, validators=[UnicodeUsernameValidator()])


class TokenFields(Body[dict[str, Any]]):
    name = serializers.CharField(max_length=200)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=[str(scope) for scope in SCOPES]),
        allow_empty=False,
        max_length=len(SCOPES),
        default=[str(Scope.LABEL)],
    )
    days = serializers.IntegerField(min_value=1, max_value=LONGEST_DAYS, default=90)


def token_json(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.token_key,
        "name": token.name,
        "scopes": token.scopes,
        "created_at": token.created,
        "expires_at": token.expiry,
        "last_used_at": token.last_used_at,
    }


def account_json(member: Membership) -> dict[str, Any]:
    return {
        "id": member.pk,
        "name": member.user.username,
        "labeler": str(member.user.labeler.uuid),
        "ended_at": member.ended_at,
        "tokens": [token_json(token) for token in service_accounts.tokens_of(member)],
    }


class ServiceAccountsView(ManagedView):
    def get(self, request: Request, slug: str) -> Response:
        """List the programs that take part in the project, with their tokens."""
        check_parameters(request, ())
        found = service_accounts.list_service_accounts(self.project(slug))
        return Response({"service_accounts": [account_json(member) for member in found]})

    def post(self, request: Request, slug: str) -> Response:
        """Make the account of a program, which marks as a model labeler of this name."""
        project, sent = self.project(slug), self.sent(AccountFields)
        try:
            member = service_accounts.make_service_account(project=project, **sent)
        except service_accounts.NameTaken as error:
            raise ValidationError({"name": [str(error)]}) from None
        address = reverse("api_service_account", args=[slug, member.pk])
        return Response(
            account_json(member), status=status.HTTP_201_CREATED, headers={"Location": address}
        )


class ServiceAccountView(ManagedView):
    def member(self, project: Project, member_id: int) -> Membership:
        return get_object_or_404(service_accounts.list_service_accounts(project), pk=member_id)

    def get(self, request: Request, slug: str, member_id: int) -> Response:
        """Show a program and its tokens."""
        check_parameters(request, ())
        return Response(account_json(self.member(self.project(slug), member_id)))

    def delete(self, request: Request, slug: str, member_id: int) -> Response:
        """End a program's part; its marks stay, and its tokens open nothing any more."""
        members.end(membership=self.member(self.project(slug), member_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ServiceTokensView(ServiceAccountView):
    shown_once = ("token",)

    http_method_names = ("post", "options")

    def post(self, request: Request, slug: str, member_id: int) -> Response:
        """Make a token of a program, for this project; it is in this answer, and never again."""
        member = self.member(self.project(slug), member_id)
        sent = self.sent(TokenFields)
        token, secret = service_accounts.make_service_token(membership=member, **sent)
        body = {**token_json(token), "token": secret}
        return Response(body, status=status.HTTP_201_CREATED)


class ServiceTokenView(ServiceAccountView):
    http_method_names = ("delete", "options")

    def delete(self, request: Request, slug: str, member_id: int, token: str = "") -> Response:
        """Revoke a token of a program."""
        member = self.member(self.project(slug), member_id)
        get_object_or_404(service_accounts.tokens_of(member), token_key=token).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)
